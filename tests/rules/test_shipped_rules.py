"""The rules in the repository: whole, sourced, and as the contract of stories has them."""

from dataclasses import replace
from datetime import date

import pytest

from domain.rules import facts
from domain.rules.book import Rulebook, digest_of, offices_for, procedure_for
from domain.rules.cards import Finding
from domain.rules.page import rules_page
from domain.rules.show import show
from domain.work.deadlines import Clock
from domain.work.procedure import Procedure
from rulefiles import SHIPPED, check, read_rules
from story import words as contract
from story.words import STEPS, WATCHES

LA_TH = (
    "report", "rescue_request", "rescue_acknowledgement", "exit", "guardian", "handover",
    "screening", "placement", "identification", "rights", "needs", "compensation_rights", "claim",
    "payment_review", "hold_review", "bar_review", "closure",
)  # fmt: skip
COMMITTEE_YEAR = ("plan/", "meeting/", "training/", "handover_pack", "successor_", "chief_")


@pytest.fixture(scope="module")
def rulebook() -> Rulebook:
    return read_rules()


@pytest.fixture(scope="module")
def th_la(rulebook: Rulebook) -> Procedure:
    return procedure_for(rulebook, "th-la")


@pytest.fixture(scope="module")
def la_th(rulebook: Rulebook) -> Procedure:
    return procedure_for(rulebook, "la-th")


def test_it_finds_nothing_wrong_with_the_shipped_rules() -> None:
    assert check() == []


def test_it_has_every_step_and_outcome_of_the_contract(rulebook: Rulebook) -> None:
    procedures = [procedure_for(rulebook, corridor) for corridor in rulebook.corridors]
    made = {
        card.id: tuple(card.outcomes)
        for procedure in procedures
        for card in procedure.cards.values()
    }
    wanted = {step: out for step, out in STEPS.items() if not step.startswith(COMMITTEE_YEAR)}
    assert {step: made.get(step) for step in wanted} == wanted
    assert set(made) == {*wanted, *WATCHES}


def test_it_knows_the_words_of_the_contract_and_no_other() -> None:
    assert set(facts.ROLES) == set(contract.ROLES)
    assert set(facts.FLAGS) == {*contract.FLAGS, contract.CONFLICT.rstrip(":")}
    assert set(facts.PURPOSES) == set(contract.PURPOSES)
    assert set(facts.GATES) == set(contract.GATES)
    assert set(facts.BARS) == set(contract.BARS)
    assert set(facts.ACTS) == {*contract.DO, "record_for"} - set(contract.LATER_ACTS)


def test_it_gives_thais_coming_home_their_own_steps_and_no_other(la_th: Procedure) -> None:
    steps = {card.id for card in la_th.cards.values() if not card.watch}
    several = {step for step in steps if step.startswith(("follow_up/", "allowance/"))}
    assert steps - several == set(LA_TH)
    assert len(several) == 6 + 16
    assert not [card for card in la_th.cards.values() if "verification" in card.id]
    assert la_th.gates["applies"] == ("consent", "crossing")


def test_it_reads_home_as_origin_where_the_origin_holds_the_case(
    la_th: Procedure, th_la: Procedure
) -> None:
    assert la_th.cards["identification"].owner == "origin.team"
    assert th_la.cards["identification"].owner == "host.team"
    assert la_th.cards["exit"].owner == "host.province"
    assert la_th.recipients["committee"] == ("origin.committee",)
    assert la_th.recipients["postponed"] == ("host.focal",)
    assert th_la.recipients["postponed"] == ("origin.focal",)
    assert la_th.cards["screening"].after[0].any_of == ("handover:handed_over",)
    assert th_la.cards["screening"].after[0].any_of == ("opening",)


def test_it_makes_a_card_for_each_word(th_la: Procedure) -> None:
    assert th_la.cards["follow_up/6m"].within == Clock(6, "months")
    approval = th_la.cards["allowance/subsistence/approval"]
    assert approval.after[0].any_of == ("allowance/subsistence/request:requested",)
    assert approval.not_by == ("allowance/subsistence/request",)


def test_it_never_rolls_or_pauses_a_legal_clock(th_la: Procedure) -> None:
    card = th_la.cards["identification"]
    assert card.within == Clock(15, "days", legal=True)
    assert not card.pauses
    assert th_la.cards["tracing"].pauses
    assert not [c.id for c in th_la.cards.values() if (c.dated or c.watch) and c.pauses]


def test_it_reads_warnings_and_reports_as_plain_clocks(th_la: Procedure) -> None:
    assert th_la.cards["in_care"].warns == (("E0", Clock(30, "days")),)
    assert th_la.cards["unconfirmed"].reports == (("national_report", Clock(180, "days")),)


def test_it_names_the_same_plan_the_same_and_another_otherwise(rulebook: Rulebook) -> None:
    procedure = procedure_for(rulebook, "th-la")
    assert digest_of(procedure) == digest_of(procedure_for(read_rules(), "th-la"))
    assert digest_of(procedure) != digest_of(
        procedure_for(rulebook, "th-la", {"rights.within": "9 days"})
    )


def test_it_names_a_plan_the_same_in_whatever_order_its_cards_stand(th_la: Procedure) -> None:
    turned = dict(reversed(list(th_la.cards.items())))
    assert digest_of(replace(th_la, cards=turned)) == digest_of(th_la)


def test_it_covers_each_role_of_a_side_with_one_word(th_la: Procedure, la_th: Procedure) -> None:
    assert th_la.purposes["services"] == tuple(f"host.{post}" for post in facts.POSTS)
    assert set(la_th.purposes["services"]) == {r for r in facts.ROLES if "origin." in r}
    assert th_la.purposes["share"] == ("*",)
    assert th_la.purposes["medical"] == ("origin.health",)


def test_it_opens_the_gate_identity_with_the_last_step_that_confirms(rulebook: Rulebook) -> None:
    assert procedure_for(rulebook, "th-la").gate_rules["identity"].opened_by == (
        "verification:confirmed",
    )
    assert procedure_for(rulebook, "th-vn").gate_rules["identity"].opened_by == (
        "verification_local:confirmed",
        "verification_central:confirmed",
    )


def test_it_carries_the_days_off_of_both_countries(th_la: Procedure) -> None:
    assert date(2026, 4, 15) in th_la.calendar("LA").off
    assert date(2026, 4, 13) in th_la.calendar("TH").off
    assert set(th_la.calendars) == {"TH", "LA"}


def test_it_binds_every_role_to_an_office_near_by(rulebook: Rulebook, th_la: Procedure) -> None:
    bound = offices_for(rulebook, "th-la", "Ubon Ratchathani")
    assert bound["host.case"] == "th-ubon-case"
    assert bound["origin.embassy"] == "la-embassy-bangkok"
    people = {"person", "setter", "receiving"}
    assert {card.owner for card in th_la.cards.values()} - set(bound) == people
    assert offices_for(rulebook, "la-th", "Chiang Rai")["origin.desk"] == "th-chiang-rai-desk"


def test_it_draws_every_step_rung_and_gate(th_la: Procedure) -> None:
    drawn = show(th_la, "Thailand to Lao PDR")
    assert all(f"{card.id}: {card.title}" in drawn for card in th_la.cards.values())
    assert "E2  7 days later: committee, holder.focal must decide" in drawn
    assert "document: opened by travel_document:issued" in drawn
    assert drawn.index("REPORT") < drawn.index("TRACING") < drawn.index("FOLLOW-UP")


def test_it_keeps_the_page_about_the_rules_current(rulebook: Rulebook) -> None:
    page = SHIPPED.parent / "docs" / "rules.md"
    assert page.read_text(encoding="utf-8") == rules_page(rulebook), (
        "write it anew: python rulefiles.py > docs/rules.md"
    )


def test_it_says_a_problem_in_one_line_and_the_path_below() -> None:
    problem = Finding("cards/a.toml", "tracing", "within", "has no clock", ("report:accepted",))
    assert str(problem) == "cards/a.toml, tracing, within: has no clock\n    report:accepted"
