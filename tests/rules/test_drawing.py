"""How a plan is drawn: every line of a small one, and the order of its steps."""

import re
from dataclasses import replace

from domain.rules.show import show
from domain.work.deadlines import Clock
from domain.work.procedure import Card, Ladder, Need, Outcome, Rung
from tests.builders import a_card, a_procedure, gates_of

DRAWING = """\
TH-LA  Going home
host TH, origin LA; offices in LA hold the case; rules of test; 3 cards

FAMILY

  -  ask: Ask
     by host.case, 5 working days
     after opening
     => sent
     => refused: the same step once more

  -  order: Order
     by host.case, 5 working days
     never by itself; may come earlier
     => made

  ~  silence: Silence
     watched for host.case, 90 days
     after (ask:sent or handover_planned, when child and no bar)
     ends with: ask:refused

WHEN NOBODY ANSWERS

  normal (2 cards)
     E0  at half and four fifths of the clock: owner
     E1  when due: supervisor is told
     E2  1 days later: committee must decide; leaves an agenda_item
     committee is host.committee

  top (1 cards)
     E5  when due: host.national must decide

GATES

  consent: opened by consent:return
  crossing: opened by nothing
     asked when a handover is planned: crossing
     asked at departure: consent, crossing
"""


def after(*facts: str) -> tuple[Need, ...]:
    return tuple(Need(tuple(fact.split(" or "))) for fact in facts)


def a_step(name: str, *facts: str, kind: str = "plain") -> Card:
    return a_card(name, "host.case", "done", after=after(*facts), kind=kind)


def test_it_draws_every_line() -> None:
    ask = a_card("ask", "host.case", "sent", after=after("opening"))
    ask = replace(ask, outcomes={**ask.outcomes, "refused": Outcome("refused", again=True)})
    order = a_card("order", "host.case", "made", early=True)
    when = Need(("ask:sent", "handover_planned"), when=("child", "no bar"))
    silence = a_card("silence", "host.case", after=(when,), watch=True, ends=("ask:refused",))
    silence = replace(silence, within=Clock(90, "days"), ladder="top")
    told = Rung("E1", Clock(0, "days"), ("supervisor",), decides=False)
    late = Rung("E2", Clock(1, "days"), ("committee",), decides=True, records="agenda_item")
    high = Rung("E5", Clock(0, "days"), ("host.national",), decides=True)
    procedure = a_procedure(
        home="origin",
        cards={card.id: card for card in (silence, ask, order)},
        ladders={"normal": Ladder("normal", (told, late)), "top": Ladder("top", (high,), ())},
        recipients={"committee": ("host.committee",), "postponed": ("origin.focal",)},
        **gates_of(
            {
                "applies": ("consent", "crossing"),
                "plan_handover": ("crossing",),
                "depart": ("consent", "crossing"),
                "consent": ("consent:return",),
            }
        ),
    )
    assert show(procedure, "Going home") == DRAWING


def test_it_draws_steps_in_the_order_in_which_they_can_begin() -> None:
    cards = (
        a_step("reception", "handover"),
        a_step("handover", "handover_planned"),
        a_step("after_both", "ask", "weigh"),
        a_step("after_two_refusals", "refused_twice:ask+weigh"),
        a_step("weigh", "answer"),
        a_step("answer", "ask"),
        a_step("ask", "opening"),
        a_step("after_either", "weigh or opening"),
        a_step("order"),
        a_step("order/renewal", "order"),
        a_step("closure", "ask", kind="closure"),
    )
    drawn = re.findall(r"-  (.+):", show(a_procedure(cards={card.id: card for card in cards})))
    assert drawn == [
        *("ask", "after_either", "answer", "weigh", "after_both", "after_two_refusals"),
        *("handover", "reception", "order", "order/renewal", "closure"),
    ]
