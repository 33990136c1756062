"""What a case answers when its work asks (domain/work/hooks.py)."""

from __future__ import annotations

from domain.case import facts, release
from domain.case.apply import apply
from domain.case.wake import coming
from domain.work.hooks import Hooks

HOOKS = Hooks(
    apply=apply,
    since=facts.since,
    ceased=facts.ceased,
    may_leave=release.may_leave,
    may_hear=release.may_hear,
    coming=coming,
)
