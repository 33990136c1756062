"""Moving a case to newer rules: the preview says what the act then does, and changes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from domain.apply import blank, fold
from domain.commands import Command
from domain.core import advance, open_case
from domain.deadlines import parse_clock
from domain.preview import adopting
from tests.shipped import OPENS, shipped_opening


def test_it_shows_old_and_new_dates_and_what_vanishes_before_anybody_moves_the_case() -> None:
    opening = shipped_opening("th-la", adult_on=date(2032, 1, 1))
    case = fold(blank(opening.case_id, opening.plan, "shipped"), open_case(opening, OPENS))
    cards = dict(opening.plan.cards)
    longer = replace(cards["identification"], within=parse_clock("20 days", legal=True))
    newer = replace(opening.plan, cards={**cards, "identification": longer}, version="newer")
    without = {k: v for k, v in newer.cards.items() if k != "guardian"}
    newer = replace(newer, cards=without)
    at = OPENS + timedelta(hours=1)

    seen = adopting(case, newer, "newer", at)

    (moved,) = seen.moved
    assert moved.step == "identification"
    assert moved.old is not None
    assert (moved.new - moved.old).days == 5
    assert seen.vanished == ("guardian",)
    assert case.plan.version == opening.plan.version

    asked = Command("adopt_rules", "host.case", "host.case.head", plan=newer, plan_digest="newer")
    events = advance(case, asked, at)
    after = fold(replace(case, plans={**case.plans, "newer": newer}), events)
    task = after.newest("identification")
    assert task is not None
    assert task.due_at == moved.new


def test_it_has_nothing_to_show_for_the_rules_a_case_follows() -> None:
    opening = shipped_opening("th-la")
    case = fold(blank(opening.case_id, opening.plan, "shipped"), open_case(opening, OPENS))
    assert adopting(case, opening.plan, "shipped", OPENS).moved == ()
