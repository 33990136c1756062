"""Since when a fact is true, what a start still misses, and from when its clock counts.

Each test stands for a mechanical mutant of `domain/case/conditions.py` (docs/mutants.md).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from domain.case import conditions, facts
from domain.case.hooks import HOOKS
from domain.work import conditions as work_conditions
from domain.work.calendars import calendar_of
from domain.work.procedure import Card
from domain.work.state import Task
from domain.work.subject import with_work
from tests.scenario import PURPOSES, Told

CHILD = date(2026, 6, 1)  # her eighteenth birthday


def since(told: Told, fact: str) -> datetime | None:
    return facts.since(told.case, fact, told.at)


def card_of(told: Told, step: str) -> Card:
    return told.case.procedure.cards[step]


def task_of(told: Told, step: str) -> Task:
    task = told.case.work.newest(step)
    assert task is not None, step
    return task


def child(*purposes: str) -> Told:
    told = Told(adult_on=CHILD)
    for purpose in purposes:
        told.act("consent", "host.case", for_="guardian", purpose=purpose)
    return told


# -- since when


def test_it_counts_the_opening_from_the_opening() -> None:
    told = Told()
    opened = told.at
    told.wait(days=3)
    assert since(told, "opening") == opened


def test_it_counts_a_bar_from_the_first_that_stands() -> None:
    told = Told()
    first = told.at
    told.act("bar", "host.prosecutor", kind="witness", review=date(2026, 5, 1))
    told.wait(days=2)
    second = told.at
    told.act("bar", "host.police", kind="warrant", review=date(2026, 5, 1))
    assert since(told, "bar") == first
    assert since(told, "bar:warrant") == second
    told.act("lift_bar", "host.prosecutor", kind="witness")
    assert since(told, "bar") == second


def test_it_waits_for_nothing_that_a_yes_taken_back_never_asked_for() -> None:
    told = Told()
    told.yes("notify_state")
    assert since(told, "consented:tracing") is None
    told.wait(hours=1)
    given = told.at
    told.yes("tracing")
    told.wait(hours=1)
    assert since(told, "consented:tracing") == given
    told.go_well("tracing_request")
    told.act("withdraw_consent", "host.case", purpose="tracing")
    assert since(told, "consented:tracing") is None
    assert task_of(told, "return_decision").is_open


def test_it_still_waits_for_what_was_asked_before_the_yes_was_taken_back() -> None:
    told = Told()
    given = told.at
    told.yes("tracing")
    told.go_well("tracing", rounds=2)
    told.act("withdraw_consent", "host.case", purpose="tracing")
    assert since(told, "consented:tracing") == given
    told.yes("notify_state")
    told.go_well("tracing")
    assert told.case.work.newest("return_decision") is None


def test_it_counts_a_yes_as_used_once_one_of_its_steps_is_done() -> None:
    told = Told()
    told.ready("handover")
    told.act("complete", "escort", step="handover", outcome="handed_over")
    told.wait(days=1)
    given = since(told, "consented:reporting")
    told.act("complete", "origin.province", step="follow_up/1m", outcome="safe")
    told.act("complete", "origin.focal", step="feedback/1m", outcome="sent")
    told.act("withdraw_consent", "host.case", purpose="reporting")
    assert given is not None
    assert since(told, "consented:reporting") == given


def test_it_goes_on_while_an_outcome_is_returned_for_correction() -> None:
    told = Told()
    told.go_well("placement", "identification")
    due = task_of(told, "placement").due_at
    told.act("return", "host.case", step="screening")
    assert task_of(told, "screening").is_open
    placement = task_of(told, "placement")
    assert (placement.is_open, placement.due_at) == (True, due)


# -- left out


def test_it_counts_a_step_that_only_the_end_of_the_case_left_out_as_never_made() -> None:
    told = Told(adult_on=CHILD)
    assert task_of(told, "guardian").is_open
    told.act("cancel", "host.case")
    told.at = datetime(2026, 6, 2, 2, 0, tzinfo=told.at.tzinfo)  # she is of age now
    told.act("reopen", "host.case")
    assert task_of(told, "guardian").state == "skipped"
    assert since(told, "guardian") is None


def test_it_counts_so_too_when_the_case_is_reopened_at_the_same_moment() -> None:
    told = Told(adult_on=CHILD)
    told.act("cancel", "host.case")
    told.act("reopen", "host.case")
    ended = replace(task_of(told, "guardian"), state="skipped", ended_at=told.at)
    case = with_work(told.case, tasks={**told.case.work.tasks, "guardian": (ended,)})
    assert facts.since(case, "guardian", told.at) is None


def test_it_keeps_what_a_person_left_out_before_the_case_ended() -> None:
    told = Told()
    told.yes("tracing", "notify_state")
    told.go_well("tracing", "return_decision")
    told.act("skip", "host.focal", step="tracing")
    skipped = told.at
    told.wait(days=1)
    told.act("cancel", "host.case")
    told.wait(days=1)
    told.act("reopen", "host.case")
    assert since(told, "tracing") == skipped
    assert task_of(told, "return_decision").is_open


# -- what is missing


def test_it_names_what_a_start_still_misses() -> None:
    told = Told()
    assert missing(told, "tracing_request") == ("consent:tracing",)
    assert missing(told, "placement") == ("screening:presumed_victim",)
    assert missing(told, "guardian") == ()
    told.complete("identification", "victim")
    assert missing(told, "placement") == ()
    assert missing(child(), "tracing_request") == ("consent:tracing", "best_interests:approved")


def missing(told: Told, step: str) -> tuple[str, ...]:
    return conditions.missing(told.case, card_of(told, step), told.at)


# -- from when a clock counts


def start(told: Told, card: Card) -> datetime | None:
    return work_conditions.start(HOOKS, told.case, card, told.at)


def test_it_counts_from_the_first_of_several_ways_in() -> None:
    told = Told()
    first = told.at
    told.complete("screening", "presumed_victim")
    told.wait(hours=3)
    told.complete("identification", "victim")
    assert start(told, card_of(told, "placement")) == first


def test_it_counts_from_the_last_of_the_facts_named_for_counting() -> None:
    told = Told()
    opened = told.at
    told.wait(hours=1)
    told.complete("screening", "presumed_victim")
    screened = told.at
    told.wait(hours=1)
    told.complete("placement", "placed")
    placed = told.at
    needs = card_of(told, "needs")
    assert start(told, needs) == placed
    facts = ("opening", "screening", "identification:victim")
    assert start(told, replace(needs, counts_from=facts)) == screened
    assert start(told, replace(needs, counts_from=("opening",))) == opened
    rights = replace(needs, after=(*card_of(told, "placement").after, *needs.after))
    assert start(told, replace(rights, counts_from=("identification:victim",))) == placed


def test_it_counts_from_what_was_met_before_it_stopped_to_be_asked() -> None:
    """A girl's family was found before her birthday: the decision's clock does not wait for it."""
    told = child(*PURPOSES)
    told.go_well("tracing_request", "verification_request")
    told.go_well("tracing", "return_decision")
    told.wait(hours=5)
    told.complete("tracing", "found_safe")
    found = told.at
    told.at = datetime(2026, 6, 10, 2, 0, tzinfo=told.at.tzinfo)
    told.wait()
    assert since(told, "adult") is not None
    assert start(told, card_of(told, "return_decision")) == found


def test_it_counts_from_the_day_her_yes_ended_that_nothing_had_used() -> None:
    for taken_back in (True, False):
        told = Told()
        told.yes("tracing", until=told.at.date() + timedelta(days=9))
        told.yes("notify_state")
        told.go_well("tracing_request")
        assert told.case.work.newest("return_decision") is None
        told.wait(days=8)
        ended = told.at
        if taken_back:
            told.act("withdraw_consent", "host.case", purpose="tracing")
        else:
            told.wait(days=10)
            (given, _) = told.case.person.consents
            ended = calendar_of(told.case, "TH").end_of(given.until)
        assert task_of(told, "return_decision").started_at == ended


def test_it_counts_from_the_last_of_several_yeses_that_ended_unused() -> None:
    told = Told()
    told.yes("notify_state")
    for days in (5, 9):
        told.yes("tracing", until=told.at.date() + timedelta(days=days))
    told.go_well("tracing_request")
    told.wait(days=20)
    last = calendar_of(told.case, "TH").end_of(told.case.person.consents[-1].until)
    assert task_of(told, "return_decision").started_at == last


def test_it_counts_from_the_moment_her_country_must_not_be_told() -> None:
    told = Told()
    told.go_well()
    told.wait(days=1)
    flagged = told.at
    told.act("flag", "host.case", flag="do_not_notify_state")
    assert task_of(told, "return_decision").started_at == flagged


def test_it_does_not_count_from_a_yes_taken_back_after_it_was_used() -> None:
    told = Told()
    told.yes("tracing")
    told.go_well("tracing")
    flagged = told.at
    told.act("flag", "host.case", flag="do_not_notify_state")
    told.wait(days=1)
    told.act("withdraw_consent", "host.case", purpose="tracing")
    assert start(told, card_of(told, "return_decision")) == flagged
