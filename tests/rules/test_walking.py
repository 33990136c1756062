"""Where a person could be stuck, in plans of a few cards: who it is, and the shortest way there."""

from collections.abc import Mapping
from typing import Any

import pytest

from domain.rules.walk import DeadEnd, dead_end
from domain.work.procedure import Card, Need, Outcome
from tests.builders import a_card, a_procedure, gates_of

SILENT = "do_not_notify_state"
Gates = Mapping[str, tuple[str, ...]]


def a_step(
    name: str, *facts: str, ends: tuple[str | Outcome, ...] = ("done",), **more: Any
) -> Card:
    """A step after all these facts (`a or b` is one of two) that can end in these ways."""
    outcomes = [Outcome(end) if isinstance(end, str) else end for end in ends]
    return a_card(
        name,
        "host.case",
        after=tuple(Need(tuple(fact.split(" or "))) for fact in facts),
        outcomes={outcome.name: outcome for outcome in outcomes},
        **more,
    )


def the_end(*facts: str, **more: Any) -> Card:
    return a_step("closure", *facts, ends=(Outcome("closed", case="closed"),), **more)


def stuck(*cards: Card, gates: Gates | None = None) -> DeadEnd | None:
    return dead_end(a_procedure(cards={card.id: card for card in cards}, **gates_of(gates or {})))


ASK = a_step("ask", "opening", ends=("yes", "no", Outcome("more", again=True)))


def test_it_finds_the_outcome_after_which_nothing_comes() -> None:
    assert stuck(ASK, the_end("ask:yes")) == DeadEnd("an adult", "ask", "no", ("ask:no",))
    assert stuck(ASK, the_end("ask:yes|no")) is None
    assert stuck(ASK, the_end("ask")) is None


def test_it_names_the_shortest_of_all_ways() -> None:
    found = stuck(ASK, the_end("ask:yes", applies_to=("adult",)))
    assert found == DeadEnd("a child", "", "", ())


def test_it_walks_for_whoever_keeps_it_from_her_country() -> None:
    told = Outcome("yes", gates=("told",))
    kept = Outcome("no", gates=("kept",))
    gates = {
        "applies": ("told", "kept"),
        "told": (f"no flag:{SILENT}",),
        "kept": (f"flag:{SILENT}",),
    }
    found = stuck(a_step("ask", "opening", ends=(told, kept)), the_end("ask:yes"), gates=gates)
    assert found == DeadEnd("an adult whose country must not be told", "", "", ())


def test_it_lets_her_country_be_told_after_all() -> None:
    ask = a_step("ask", "opening", do_not_notify=True)
    assert stuck(ask, the_end("ask")) is None


@pytest.mark.parametrize(
    ("steps", "repeat_after", "alive"),
    [
        ("ask", ("ask:refused",), True),
        ("ask", (), False),
        ("ask+other", ("ask:refused",), True),
        ("ask+other", (), False),
        ("ask+second", (), True),
    ],
)
def test_it_counts_two_refusals(steps: str, repeat_after: tuple[str, ...], *, alive: bool) -> None:
    found = stuck(
        a_step("ask", "opening", ends=("refused",), repeat_after=repeat_after),
        a_step("second", "ask", ends=("refused",)),
        a_step("other", "opening", ends=("other",)),
        the_end(f"refused_twice:{steps}"),
    )
    assert (found is None) is alive


def test_it_plans_no_handover_while_a_gate_asked_then_is_shut() -> None:
    cards = (
        a_step("ask", "opening", ends=("confirmed", "refused")),
        a_step("handover", "handover_planned", dated=True),
        the_end("handover"),
    )
    gates: Gates = {
        "applies": ("identity",),
        "plan_handover": ("identity",),
        "identity": ("ask:confirmed",),
    }
    assert stuck(*cards, gates=gates) == DeadEnd("an adult", "ask", "refused", ("ask:refused",))
    assert stuck(*cards) is None


def test_it_refuses_to_search_more_than_its_limit() -> None:
    procedure = a_procedure(cards={"ask": ASK, "closure": the_end("ask:yes|no")})
    assert dead_end(procedure, limit=2) is None
    with pytest.raises(ValueError, match="more than 1 states"):
        dead_end(procedure, limit=1)


def test_it_plans_no_handover_while_her_country_must_not_be_told() -> None:
    kept = Outcome("no", gates=("kept",))
    gates = {"applies": ("kept",), "kept": (f"flag:{SILENT}",)}
    cards = (
        a_step("handover", "handover_planned", ends=("done", kept), dated=True),
        the_end("handover:done"),
    )
    assert stuck(*cards, gates=gates) is None


def test_it_completes_nothing_before_what_it_requires() -> None:
    go = a_step("go", "opening", requires=("ask:yes",))
    assert stuck(ASK, go, the_end("go")) == DeadEnd("an adult", "ask", "no", ("ask:no",))


def test_it_completes_nothing_without_her_consent() -> None:
    go = a_step("go", "opening", ends=("yes", "no"), consent="tracing")
    found = stuck(go, the_end("go:yes", "consent:tracing"))
    assert found is not None
    assert found.path == ("consent tracing is given", "go:no")


def test_it_leaves_open_what_has_once_started() -> None:
    cards = (
        a_step("handover", "handover_planned", dated=True),
        a_step("letter", "no handover_planned", requires=("handover_planned",)),
    )
    assert stuck(*cards, the_end("letter")) is None


@pytest.mark.parametrize(
    ("fact", "alive"),
    [
        ("opening", True),
        ("child or adult", True),
        ("child", False),
        ("adult", False),
        ("consent:tracing", True),
        ("consented:tracing", True),
        ("no bar", True),
        ("bar", False),
        ("flag:witness", False),
        ("no flag:witness", True),
        (f"flag:{SILENT}", False),
        (f"no flag:{SILENT}", True),
        ("handover_planned", False),
    ],
)
def test_it_reads_a_fact(fact: str, *, alive: bool) -> None:
    assert (stuck(the_end(fact)) is None) is alive


def test_it_knows_while_a_plan_stands() -> None:
    unplanned = Outcome("no", gates=("unplanned",))
    gates = {"applies": ("unplanned",), "unplanned": ("no handover_planned",)}
    cards = (
        a_step("handover", "handover_planned", ends=("yes", unplanned), dated=True),
        the_end("handover:yes"),
    )
    assert stuck(*cards, gates=gates) is None


def test_it_takes_as_done_what_runs_aside() -> None:
    paid = a_step("paid", "never_there", aside=True)
    assert stuck(paid, the_end("paid:done")) is None
    assert stuck(the_end("never_there")) == DeadEnd("an adult", "", "", ())


def test_it_leaves_out_of_the_way_what_nothing_depends_on() -> None:
    found = stuck(a_step("visit", "opening"), ASK, the_end("ask:yes"))
    assert found == DeadEnd("an adult", "ask", "no", ("ask:no",))


def test_it_starts_nothing_without_her_consent() -> None:
    found = stuck(a_step("ask", "consent:tracing", ends=("yes", "no")), the_end("ask:yes"))
    assert found is not None
    assert found.path == ("consent tracing is given", "ask:no")


def test_it_comes_to_an_end_where_each_step_is_named_by_another() -> None:
    ask = a_step("ask", "opening", repeat_after=("closure:closed",))
    handover = a_step("handover", "handover_planned", dated=True)
    assert stuck(ask, handover, the_end("ask", "handover")) is None
