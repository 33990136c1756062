"""What a story or a corridor may change without touching a rule file."""

from datetime import date

import pytest

from domain.rules.book import Rulebook, RulesWrong, procedure_for, rulebook_from
from domain.work.calendar import Calendar
from domain.work.deadlines import Clock
from rulefiles import read_rules


@pytest.fixture(scope="module")
def rulebook() -> Rulebook:
    return read_rules()


def test_it_changes_a_clock_by_its_name(rulebook: Rulebook) -> None:
    procedure = procedure_for(rulebook, "th-la", {"tracing.within": "30 days"})
    assert procedure.cards["tracing"].within == Clock(30, "days")


def test_it_keeps_a_legal_clock_legal(rulebook: Rulebook) -> None:
    procedure = procedure_for(rulebook, "th-la", {"identification.within": "10 days"})
    assert procedure.cards["identification"].within == Clock(10, "days", legal=True)


def test_it_changes_a_card_made_for_one_word_only(rulebook: Rulebook) -> None:
    procedure = procedure_for(rulebook, "th-la", {"follow_up/1m.within": "5 weeks"})
    assert procedure.cards["follow_up/1m"].within == Clock(5, "weeks")
    assert procedure.cards["follow_up/3m"].within == Clock(3, "months")


def test_it_changes_who_may_waive(rulebook: Rulebook) -> None:
    procedure = procedure_for(rulebook, "th-la", {"tracing.waivable_by": ["host.committee"]})
    assert procedure.cards["tracing"].waivable_by == ("host.committee",)


def test_it_changes_a_rung_and_a_limit(rulebook: Rulebook) -> None:
    procedure = procedure_for(
        rulebook, "th-la", {"normal.E2": "10 days", "consent_lasts": "60 days"}
    )
    assert procedure.ladders["normal"].rungs[1].after == Clock(10, "days")
    assert procedure.consent_lasts == Clock(60, "days")


def test_it_leaves_values_of_another_segment_alone(rulebook: Rulebook) -> None:
    policy = {"th-vn/verification_local.within": "9 days", "th-la/tracing.within": "30 days"}
    procedure = procedure_for(rulebook, "th-la", policy)
    assert procedure.cards["tracing"].within == Clock(30, "days")


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ({"traceing.within": "30 days"}, "no such value"),
        ({"tracing.withn": "30 days"}, "no such value"),
        ({"tracing.within": "soon"}, "is not a duration"),
    ],
)
def test_it_refuses_values_it_does_not_know(
    rulebook: Rulebook, policy: dict[str, str], said: str
) -> None:
    with pytest.raises(RulesWrong, match=said):
        procedure_for(rulebook, "th-la", policy)


def test_it_names_the_corridors_there_are(rulebook: Rulebook) -> None:
    with pytest.raises(RulesWrong, match="there are la-th, th-la, th-vn"):
        procedure_for(rulebook, "th-xx")


def test_it_takes_the_given_calendars_and_no_other(rulebook: Rulebook) -> None:
    test_days = Calendar("LA", off=(date(2026, 4, 14),))
    procedure = procedure_for(rulebook, "th-la", calendars={"LA": test_days})
    assert procedure.calendar("LA") == test_days
    assert procedure.calendar("TH") == Calendar("TH", 420)


def test_it_keeps_the_zone_of_a_country_whose_calendar_is_not_given(rulebook: Rulebook) -> None:
    tables = dict(rulebook.tables)
    tables["calendars.toml"] = {**tables["calendars.toml"], "MM": {"zone": "+06:30"}}
    procedure = procedure_for(rulebook_from(tables), "th-la", calendars={}, countries=["MM", "XX"])
    assert procedure.calendars["MM"] == Calendar("MM", 390)
    assert "XX" not in procedure.calendars


def test_it_carries_another_country_when_asked(rulebook: Rulebook) -> None:
    procedure = procedure_for(rulebook, "th-la", countries=["VN"])
    assert date(2026, 2, 17) in procedure.calendar("VN").off
