"""What one event makes of a case, where no story looks.

Each test stands for a mechanical mutant of `domain/case/apply.py`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from domain.case import consent, events
from domain.work import events as work_events
from domain.work.state import Task
from domain.work.subject import with_work
from tests.scenario import Told


def task_of(told: Told, step: str) -> Task:
    task = told.case.work.newest(step)
    assert task is not None, step
    return task


def test_it_keeps_the_version_at_which_a_task_ended() -> None:
    told = Told()
    for act, fields in (("complete", {"outcome": "accepted"}), ("skip", {})):
        step, by = ("report", "host.desk") if act == "complete" else ("screening", "host.focal")
        told.act(act, by, step=step, **fields)
        kinds = work_events.TaskDone | work_events.TaskSkipped
        (number,) = [
            n for n, e in enumerate(told.events, start=1) if isinstance(e, kinds) and e.step == step
        ]
        assert task_of(told, step).ended_version == number


def test_it_knows_since_when_she_is_a_child_or_of_age() -> None:
    told = Told(adult_on=date(2030, 1, 1))
    opened = told.at
    told.wait(days=1)
    told.act("correct", "host.case", fact="born", value="2013-01-01")
    assert told.case.person.child_since == opened
    told.wait(days=1)
    of_age = told.at
    told.act("correct", "host.case", fact="born", value="24")
    assert told.case.person.adult_since == of_age
    told.wait(days=1)
    told.act("correct", "host.case", fact="born", value="23")
    assert told.case.person.adult_since == of_age
    child_again = told.at
    told.act("correct", "host.case", fact="born", value="unknown")
    assert told.case.person.child_since == child_again


def test_it_turns_of_age_again_where_a_birthday_was_put_right() -> None:
    told = Told(adult_on=date(2026, 2, 4))
    told.wait(days=3)
    told.act("correct", "host.case", fact="born", value="2008-02-10")
    assert not told.case.person.turned_adult
    told.wait(days=9)
    turned = [e.at for e in told.events if isinstance(e, events.TurnedAdult)]
    assert len(turned) == 2


def test_it_keeps_whom_the_highest_rung_reached_when_a_reminder_comes_after_it() -> None:
    told = Told()
    told.go_well("identification")
    told.act("alarm", "ngo", step="identification", kind="in_danger")
    reached = task_of(told, "identification").rung_to
    task = replace(task_of(told, "identification"), pending=())
    told.case = with_work(told.case, tasks={**told.case.work.tasks, "identification": (task,)})
    reminded = work_events.Reminded(
        at=told.at, step="identification", attempt=1, to=("host.team",), quiet=False
    )
    told.take((reminded,))
    assert (task_of(told, "identification").rung, reached) == ("E5", reached)
    assert task_of(told, "identification").rung_to == reached


def test_it_confirms_only_the_consent_that_is_meant() -> None:
    told = Told()
    told.yes("return", "tracing")
    first = told.at
    told.act("withdraw_consent", "person", purpose="return")
    told.wait(hours=1)
    told.yes("return")
    told.wait(hours=1)
    told.take((events.ConsentConfirmed(at=told.at, purpose="return"),))
    assert [c.confirmed_at for c in told.case.person.consents] == [first, first, told.at]


def test_it_records_the_end_of_each_consent_at_its_own_moment() -> None:
    told = Told()
    today = told.at.date()
    for purpose, days in (("tracing", 3), ("tracing", 9), ("return", 6)):
        told.yes(purpose, until=today + timedelta(days=days))
    ends = {consent.ends_at(told.case, c): c.purpose for c in told.case.person.consents}
    told.wait(days=30)
    found = [(e.at, e.purpose) for e in told.events if isinstance(e, events.ConsentLapsed)]
    assert found == sorted(ends.items())


def test_it_counts_two_weeks_anew_after_a_case_is_reopened() -> None:
    told = Told()
    for step in ("report", "screening", "identification"):
        told.act("skip", "host.focal", step=step)
    told.wait(days=20)
    told.act("cancel", "host.case")
    told.wait(days=1)
    told.act("reopen", "host.case")
    told.wait(days=20)
    assert len([e for e in told.events if isinstance(e, work_events.IdleFound)]) == 2


def test_it_marks_a_late_answer_to_a_step_that_has_no_reports() -> None:
    told = Told()
    due = task_of(told, "screening").due_at
    assert due is not None
    told.take((work_events.Recorded(at=told.at, what="agenda_item", step="guardian", attempt=1),))
    told.wait(days=2)
    told.complete("screening", "presumed_victim", happened_at=due)
    assert task_of(told, "screening").reports == ()


def test_it_takes_what_was_kept_without_an_edition_as_of_the_first() -> None:
    told = Told()
    assert (told.folded(0).edition, told.opening.edition) == (1, 1)
