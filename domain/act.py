"""What an act is: something people do, declared once with its fields, permission, checks and effect.

Requests, the API's schema, permissions, story words and forms are made from these declarations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Generic, TypeAlias, TypeVar

from domain.event import Signed

B = TypeVar("B")


# What a field of an act may hold, and its value where nothing was said.
KINDS: Mapping[str, Any] = {
    "step": "",  # a step of the rules
    "word": "",  # a word of the rules: an outcome, a purpose, a flag, a decision
    "office": "",  # an office of this case, or the role it holds
    "user": "",  # somebody who works in this case
    "line": "",  # a short text that the rules judge
    "text": "",  # free words of people; the core sees only the name of a private text
    "day": None,
    "day_or_moment": None,
    "result": None,  # fields of a kind of step
    "evidence": "",  # free words that stand in the result
}


def given(kind: str, *, needed: bool = False, key: str = "") -> Any:
    """Declare a field of an act: its kind, and whether the act cannot do without it.

    `key`: what requests, stories and refusals call it, where that is no name in Python.
    """
    told = {"kind": kind, "needed": needed, "key": key}
    if kind == "result":
        return field(default_factory=dict, metadata=told)
    return field(default=KINDS[kind], metadata=told)


def internal(default: Any = None) -> Any:
    """Declare a field that no person fills in: the system gives it."""
    return field(default=default, metadata={"kind": "", "needed": False, "key": ""})


def keys_of(takes: type[Any]) -> Mapping[str, str]:
    """What the fields that people fill in are called outside: name -> key, in order."""
    own = (f for f in fields(takes) if f.metadata.get("kind"))
    return {f.name: f.metadata["key"] or f.name for f in own}


@dataclass(frozen=True, slots=True)
class Command(Generic[B]):
    """An act that somebody asks for: who records it, for whom, when it was so, and its own fields.

    `reason` and free text in `body` are names of private texts kept outside the engine.
    `window` seconds: an act within them after another counts as simultaneous (stories.md 2.7);
    `seen` is the version the caller had before it, if named.
    """

    do: str
    by: str  # office
    user: str
    body: B
    for_: str = ""  # office that answered
    happened_at: datetime | None = None
    reason: str = ""
    member: bool = False  # the door has seen that this user works in `by`; else only the post signs
    window: int = 0
    seen: int | None = None

    def signed(self) -> Signed:
        """Who signs what comes of it, and why: the end of every event an office causes."""
        return {"by": self.by, "user": self.user, "reason": self.reason}


AnyCommand: TypeAlias = Command[Any]  # where the act does not matter

ENVELOPE = frozenset(f.name for f in fields(Command)) - {"do", "body"}

Check = Callable[[Any, Command[Any], datetime], None]
Effect = Callable[[Any, Command[Any], datetime], None]


def nothing(subject: Any, command: Command[Any], at: datetime) -> None:
    """No question of this kind is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act. The checks are asked in this order, which is that of stories.md 2.7.

    `may`: are the words known, and may this office do it at all. `says`: are the fields there and
    do they mean something. `fits`: does the subject's present state allow it. `do`: what happens.
    """

    name: str
    takes: type[Any]  # the record of its own fields
    permission: str  # of an account's role (access.toml); empty: no account may ask for it
    about: str  # task, case or world
    needs: tuple[str, ...] = ()  # of the envelope: `reason`
    may: Check = nothing
    says: Check = nothing
    fits: Check = nothing
    do: Effect
    # What may be tried to see whether the act is open: bodies for one step, or for the subject.
    samples: Callable[[Any, str], Iterable[Any]] | None = None

    def perform(self, transition: Any, command: Command[Any], at: datetime) -> None:
        """Ask everything, then let it happen. Raises a `Refused`; nothing has changed then."""
        for check in (self.may, self.says, self.fits):
            check(transition.subject, command, at)
        self.do(transition, command, at)

    @property
    def kinds(self) -> Mapping[str, str]:
        """The fields people fill in, in order: what each is called outside, and its kind."""
        return {
            f.metadata["key"] or f.name: f.metadata["kind"]
            for f in fields(self.takes)
            if f.metadata.get("kind")
        }

    @property
    def needed(self) -> tuple[str, ...]:
        """The fields it cannot do without as they are called outside, the envelope's last."""
        own = (f for f in fields(self.takes) if f.metadata.get("needed"))
        return (*(f.metadata["key"] or f.name for f in own), *self.needs)


def record(takes: type[B], values: Mapping[str, Any]) -> B:
    """The fields of an act out of many: those it takes, where they say something."""
    names = {f.name for f in fields(takes)}  # type: ignore[arg-type]  # a dataclass, like every body
    return takes(**{name: value for name, value in values.items() if name in names})
