"""Questions that several acts ask before they change anything. Each raises or returns."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from domain.act import Command, keys_of
from domain.case import conditions
from domain.case.state import Case
from domain.errors import (
    Conflict,
    DoNotNotify,
    InTheFuture,
    InvalidField,
    MissingField,
    NobodyThere,
    NotYours,
    UnknownStep,
    WrongState,
)
from domain.work.calendars import calendar_for
from domain.work.offices import can_take, may_sign
from domain.work.procedure import Card, side_of
from domain.work.state import Task

OTHERS_BESIDES = frozenset({"person", "guardian"})  # for whom the case's own offices record


def roles_match(case: Case, office_id: str, patterns: tuple[str, ...]) -> bool:
    """True when the office's role is one of the patterns: `home.case`, `host.*`, `ngo`, `*`."""
    office = case.work.offices.get(office_id)
    return office is not None and any(_matches(case, office.role, p) for p in patterns)


def _matches(case: Case, role: str, pattern: str) -> bool:
    side, dot, name = pattern.partition(".")
    if not dot:
        return pattern in {"*", role}
    if side == "home":
        at_home = case.procedure.is_home(side_of(role))
        return role == case.procedure.home_role(name) or (name == "*" and at_home)
    return role == pattern or (name == "*" and side_of(role) == side)


def signed(case: Case, command: Command[Any]) -> None:
    """The user must hold the post of the office that records."""
    if command.by == "admin" and "admin" not in case.work.offices:
        return
    if not may_sign(case, command.by, command.user, member=command.member):
        raise NotYours(f"{command.by} is not held by the person who signs")


def allowed(case: Case, command: Command[Any], act: str) -> None:
    """The office's role must be one that may do this."""
    signed(case, command)
    if not roles_match(case, command.by, case.procedure.access.get(act, ())):
        raise NotYours(f"{command.by} may not do this: {act}")


def card_of(case: Case, command: Command[Any], at: datetime, *, watches: bool = False) -> Card:
    """The card of the step an act is about; one that is absent or excluded is unknown."""
    if not command.body.step:
        raise MissingField("Name the step")
    card = case.card(command.body.step)
    if card is None or (card.watch and not watches):
        raise UnknownStep(f"This corridor has no step {command.body.step}")
    if card.do_not_notify and "do_not_notify_state" in case.person.flags:
        raise DoNotNotify
    if not conditions.applies(case, card, at) and case.work.newest_done(card.id) is None:
        raise UnknownStep(f"{command.body.step} does not apply to this person")
    return card


def moment_of(command: Command[Any], at: datetime) -> datetime:
    """When it was so: never after it is recorded."""
    if command.happened_at is None:
        return at
    if command.happened_at > at:
        raise InTheFuture
    return command.happened_at


def not_just_done(command: Command[Any], done_at: datetime | None, at: datetime) -> None:
    """Somebody else's act of the same moment (or within the caller's window) won."""
    if done_at is not None and at - done_at <= timedelta(seconds=command.window):
        raise Conflict


def not_just_ended(command: Command[Any], task: Task, at: datetime) -> None:
    """The same for the end of a task; also when it ended after the version the caller knew."""
    not_just_done(command, task.ended_at, at)
    if command.seen is not None and task.ended_version > command.seen:
        raise Conflict


def alive(case: Case) -> None:
    """Nothing is done in a case that has ended."""
    if case.ended:
        raise WrongState(f"The case is {case.state}")


def needs(command: Command[Any], *names: str) -> None:
    """Fields an act cannot do without (stories.md 4.13); `reason` stands in the envelope."""
    for name in names:
        if not getattr(command if name == "reason" else command.body, name):
            raise MissingField(f"`{keys_of(type(command.body)).get(name, name)}` is missing")


D = TypeVar("D")


def there(value: D | None) -> D:
    """A value that `needs` has already asked for."""
    if value is None:
        raise MissingField
    return value


def is_office(case: Case, office: str, name: str) -> None:
    """The field names an office of this case."""
    if office not in case.work.offices:
        raise InvalidField(f"`{name}` names no office of this case: {office}")


def case_office(case: Case) -> str:
    """The case manager's office, which offers every task."""
    return case.work.office_of(case.procedure.home_role("case"))


def coming_day(
    case: Case, day: date | datetime | None, office: str, at: datetime, name: str
) -> None:
    """A date given for later must not lie in the past; it ends at closing hour (2.7, 3.8)."""
    day = there(day)
    calendar = calendar_for(case, office)
    past = (day if isinstance(day, datetime) else calendar.closing(day)) < at
    if past:
        raise InvalidField(f"`{name}` lies in the past")


def open_task(case: Case, card: Card, command: Command[Any], at: datetime) -> Task:
    """The newest attempt, which must still be open."""
    task = case.work.newest(card.id)
    if task is not None and not task.is_open:
        not_just_ended(command, task, at)
    if task is None or not task.is_open:
        raise WrongState(f"{card.id} is not open")
    return task


def someone_there(case: Case, office: str) -> None:
    """An office that gets work must have somebody who can take it."""
    if not can_take(case, office):
        raise NobodyThere(f"Nobody in {office} can take it")


def holder_of(case: Case, card: Card, made_by: str) -> str:
    """Who holds the step, or would."""
    task = case.work.newest(card.id)
    return task.holder if task is not None and task.state != "waiting" else made_by


def records_for(case: Case, card: Card, command: Command[Any], holder: str) -> bool:
    """True when another office may record what the holder did (stories.md 4.1)."""
    if command.for_ != holder:
        return False
    if roles_match(case, command.by, card.recorded_by):
        return True
    office = case.work.offices.get(holder)
    if office is None or not roles_match(
        case, command.by, case.procedure.access.get("record_for", ())
    ):
        return False
    side = side_of(office.role)
    return office.role in OTHERS_BESIDES or (bool(side) and not case.procedure.is_home(side))


def acts_for(case: Case, card: Card, command: Command[Any], holder: str) -> None:
    """The office holds the step, or may record for the office that does."""
    signed(case, command)
    if command.by == holder and command.for_ in {"", holder}:
        return
    if not records_for(case, card, command, holder):
        raise NotYours(f"{card.id} is held by {holder}")
