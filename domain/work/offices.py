"""Offices and posts in one case: who can take something, who stands behind a word of the rules."""

from __future__ import annotations

from domain.work.procedure import side_of
from domain.work.state import Task
from domain.work.subject import Subject


def can_take(subject: Subject, office_id: str) -> bool:
    """True when somebody may act for the office: the post is held, or a deputy is there."""
    office = subject.work.offices.get(office_id)
    return office is not None and not office.excluded and bool(office.holder_now())


def person_of(subject: Subject, office_id: str) -> str:
    """The user who answers for the office now; empty when nobody does."""
    office = subject.work.offices.get(office_id)
    return office.holder_now() if office is not None else ""


def may_sign(subject: Subject, office_id: str, user: str, *, member: bool = False) -> bool:
    """True when this user holds the post now (stories.md 1: the head, or the deputy acting).

    `member`: whoever works in the office signs for it; the door has seen to it that they do.
    """
    office = subject.work.offices.get(office_id)
    return (
        office is not None
        and not office.excluded
        and bool(user)
        and (member or user == person_of(subject, office_id))
    )


def focal_of(subject: Subject, side: str) -> str:
    """The focal of a side; sideless offices look to the side that holds the case."""
    return subject.work.office_of(f"{side}.focal" if side else subject.procedure.home_role("focal"))


def able(subject: Subject, office_id: str) -> str:
    """The office itself, or that side's focal where a conflict of interest excludes it (4.7)."""
    office = subject.work.offices.get(office_id)
    if office is not None and office.excluded:
        return focal_of(subject, side_of(office.role))
    return office_id


def recipients(subject: Subject, words: tuple[str, ...], task: Task) -> tuple[str, ...]:
    """The offices behind the words of a ladder, for this task, each once."""
    found: list[str] = []
    for word in words:
        found.extend(_recipients(subject, word, task))
    return tuple(dict.fromkeys(office for office in found if office))


def _recipients(subject: Subject, word: str, task: Task) -> list[str]:
    holder = subject.work.offices.get(task.holder)
    if word == "owner":
        return [task.holder]
    if word == "supervisor":
        return [holder.under] if holder is not None else []
    if word == "holder.focal":
        return [_focal_of_holder(subject, task)]
    if word in subject.procedure.recipients:
        return [subject.work.office_of(role) for role in subject.procedure.recipients[word]]
    return [subject.work.office_of(word)]


def _focal_of_holder(subject: Subject, task: Task) -> str:
    """The focal of the holder's side where that is not the committee's side (stories.md 3.7)."""
    side = subject.work.side_of_office(task.holder)
    committee = subject.procedure.recipients.get("committee", ())
    if not side or any(side_of(role) == side for role in committee):
        return ""
    return subject.work.office_of(f"{side}.focal")
