"""What is said of the world reaches a case once: said again it changes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from domain.case.apply import blank, fold
from domain.case.core import advance, command_of, open_case
from domain.case.preview import declaring
from domain.case.state import Case
from domain.errors import InvalidField, MissingField, WrongState
from domain.work.calendar import Calendar
from domain.work.calendars import calendar_of
from domain.work.events import CalendarChanged, ClockSet, PostChanged, RulesAdopted
from domain.work.state import Office
from domain.work.subject import with_work
from tests.builders import MONDAY, a_procedure, an_opening, office_of

OFF = Calendar("TH", off=(date(2026, 2, 4),))
OFFICE = office_of("host.case")


def a_case(**changes: Any) -> Case:
    opening = an_opening(**changes)
    begin = blank(opening.case_id, opening.procedure, opening.procedure_digest)
    return fold(begin, open_case(opening, MONDAY))


def said(case: Case, do: str, **fields: Any) -> tuple[Any, ...]:
    return advance(case, command_of(do, by="admin", user="", **fields), MONDAY)


def posts_in(events: tuple[Any, ...]) -> list[PostChanged]:
    return [event for event in events if isinstance(event, PostChanged)]


def test_a_calendar_that_is_known_changes_nothing() -> None:
    case = a_case()
    events = said(case, "world_calendar", calendar=OFF)
    assert [type(event) for event in events] == [CalendarChanged, ClockSet]
    assert said(fold(case, events), "world_calendar", calendar=OFF) == ()
    assert said(case, "world_calendar", calendar=case.procedure.calendar("TH")) == ()


def test_the_preview_of_a_calendar_is_what_it_does() -> None:
    case = a_case()
    seen = declaring(case, OFF, MONDAY)
    moved = [e for e in said(case, "world_calendar", calendar=OFF) if isinstance(e, ClockSet)]
    assert [(m.step, m.old, m.new) for m in seen.moved] == [
        (e.step, e.old, e.due_at) for e in moved
    ]
    assert moved[0].due_at - moved[0].old == timedelta(days=1)  # type: ignore[operator]
    assert declaring(replace(case, state="closed"), OFF, MONDAY).moved == ()


def test_a_case_begins_with_what_was_declared_before() -> None:
    plain, declared = a_case(), a_case(calendars=(OFF,))
    assert calendar_of(declared, "TH") == OFF
    before, after = plain.work.tasks["ask"][-1].due_at, declared.work.tasks["ask"][-1].due_at
    assert before is not None
    assert after == before + timedelta(days=1)
    assert said(declared, "world_calendar", calendar=OFF) == ()


def test_a_post_changes_its_people_and_nothing_else() -> None:
    case = a_case()
    bound = replace(case.work.offices[OFFICE], excluded=True)
    case = with_work(case, offices={**case.work.offices, OFFICE: bound})
    people = Office(OFFICE, "", "", head="new.chief", deputy="second", vacant=True)
    (changed,) = posts_in(said(case, "world_post", office=people))
    assert changed.office == replace(bound, head="new.chief", deputy="second", vacant=True)
    assert posts_in(said(fold(case, [changed]), "world_post", office=people)) == []
    assert posts_in(said(case, "world_post", office=replace(people, id="elsewhere"))) == []


def test_newer_rules_are_adopted_once_by_open_cases_of_their_corridor() -> None:
    case = a_case()
    newer = a_procedure(version="newer")
    events = said(case, "world_rules", procedure=newer, procedure_digest="newer")
    assert [type(event) for event in events] == [RulesAdopted]
    after = fold(replace(case, procedures={**case.procedures, "newer": newer}), events)
    assert said(after, "world_rules", procedure=newer, procedure_digest="newer") == ()
    with pytest.raises(InvalidField):
        said(case, "world_rules", procedure=a_procedure(corridor="th-vn"), procedure_digest="other")
    with pytest.raises(MissingField):
        said(case, "world_rules")
    with pytest.raises(WrongState):
        said(
            replace(case, state="closed"), "world_rules", procedure=newer, procedure_digest="newer"
        )
