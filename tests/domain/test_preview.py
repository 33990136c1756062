"""Moving a case to newer rules: the preview says what the act then does, and changes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from domain.case.apply import blank, fold
from domain.case.core import advance, command_of, open_case
from domain.case.preview import adopting
from domain.work.deadlines import parse_clock
from tests.shipped import OPENS, shipped_opening


def test_it_shows_old_and_new_dates_and_what_vanishes_before_anybody_moves_the_case() -> None:
    opening = shipped_opening("th-la", adult_on=date(2032, 1, 1))
    case = fold(blank(opening.case_id, opening.procedure, "shipped"), open_case(opening, OPENS))
    cards = dict(opening.procedure.cards)
    longer = replace(cards["identification"], within=parse_clock("20 days", legal=True))
    newer = replace(opening.procedure, cards={**cards, "identification": longer}, version="newer")
    without = {k: v for k, v in newer.cards.items() if k != "guardian"}
    newer = replace(newer, cards=without)
    at = OPENS + timedelta(hours=1)

    seen = adopting(case, newer, "newer", at)

    (moved,) = seen.moved
    assert moved.step == "identification"
    assert moved.old is not None
    assert (moved.new - moved.old).days == 5
    assert seen.vanished == ("guardian",)
    assert case.procedure.version == opening.procedure.version

    asked = command_of(
        "adopt_rules",
        by="host.case",
        user="host.case.head",
        procedure=newer,
        procedure_digest="newer",
    )
    events = advance(case, asked, at)
    after = fold(replace(case, procedures={**case.procedures, "newer": newer}), events)
    task = after.work.newest("identification")
    assert task is not None
    assert task.due_at == moved.new


def test_it_has_nothing_to_show_for_the_rules_a_case_follows() -> None:
    opening = shipped_opening("th-la")
    case = fold(blank(opening.case_id, opening.procedure, "shipped"), open_case(opening, OPENS))
    assert adopting(case, opening.procedure, "shipped", OPENS).moved == ()
