"""Draws a plan as a person would on paper: tracks, steps in order, who, how long, after what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import wrap

from domain.rules.facts import read_fact
from domain.work.procedure import Card, GateRule, Ladder, Need, Outcome, Procedure

WIDTH = 100
INDENT = "     "
LATE = 50  # more steps than ever lie before a handover


def show(procedure: Procedure, title: str = "") -> str:
    """The whole plan as text: one block for each track, the ladders, the gates."""
    lines = [*_head(procedure, title)]
    for track, cards in _tracks(procedure).items():
        lines += ["", track.upper()]
        for card in cards:
            lines += ["", *_card(card)]
    lines += ["", "WHEN NOBODY ANSWERS"]
    for ladder in procedure.ladders.values():
        lines += ["", *_ladder(ladder, procedure)]
    lines += ["", "GATES", "", *_gates(procedure)]
    return "\n".join(lines) + "\n"


def clock_words(card: Card) -> str:
    """How long a step has, in words."""
    said = []
    if card.within is not None:
        said.append(f"{card.within}{', legal' if card.within.legal else ''}")
    if card.before_handover is not None:
        said.append(f"{card.before_handover} before the planned day")
    if card.offered_before_handover is not None:
        said.append(_offered(card))
    if card.at_handover:
        said.append("due at the planned moment")
    if card.before_valid is not None:
        said.append(_before_end(card))
    if card.valid_for is not None:
        said.append(f"stands {card.valid_for}")
    return "; ".join(said) or "on the date given"


def _offered(card: Card) -> str:
    if card.offered_before_handover is not None and card.offered_before_handover.amount == 0:
        return "offered on the planned day"
    return f"offered {card.offered_before_handover} before"


def _before_end(card: Card) -> str:
    legal = ", legal" if card.before_valid is not None and card.before_valid.legal else ""
    if card.before_valid is not None and card.before_valid.amount == 0:
        return f"by the last day of {card.paper}{legal}"
    return f"{card.before_valid} before {card.paper} ends{legal}"


def start_words(card: Card) -> str:
    """What starts a step, in words."""
    if card.owner == "setter":
        return "made by the act that sets it"
    said = " and ".join(_need(need) for need in card.after) or "never by itself"
    return f"{said}; may come earlier" if card.early else said


def _need(need: Need) -> str:
    facts = " or ".join(need.any_of)
    return f"({facts}, when {' and '.join(need.when)})" if need.when else facts


def outcome_words(outcome: Outcome) -> str:
    """What follows from an outcome; empty when nothing but the steps that wait for it."""
    said = []
    if outcome.again:
        said.append("the same step once more")
    if not outcome.ends:
        said.append("may be completed again")
    if outcome.ends_handover:
        said.append("the plan ends")
    if outcome.case:
        said.append(f"the case is {outcome.case}")
    for verb, named in (
        ("withdraws the consent", outcome.withdraws),
        ("confirms the consent", outcome.confirms),
        ("shuts", outcome.closes),
        ("offers", outcome.offers),
        ("tells", outcome.tells),
        ("needs", outcome.needs),
    ):
        if named:
            said.append(f"{verb} {', '.join(named)}")
    if outcome.sends:
        said.append(f"sends the {outcome.sends} to {', '.join(outcome.sends_to)}")
    if outcome.gates:
        said.append("only with these gates open: " + ", ".join(outcome.gates))
    return "; ".join(said)


def extra_words(card: Card) -> Iterator[str]:
    """What else a card says, one sentence each."""
    if card.applies_to:
        yield f"only for: {', '.join(card.applies_to)}"
    if card.requires:
        yield f"needs first: {', '.join(card.requires)}"
    if card.consent:
        yield f"only with her consent: {card.consent}"
    if card.do_not_notify:
        yield "falls away when her country must not be told"
    if card.shares:
        yield f"may carry: the list {card.shares}"
    if card.repeat_after:
        yield f"may be asked again after {', '.join(card.repeat_after)}"
    if card.not_by:
        yield f"not by whoever did {', '.join(card.not_by)}"
    if card.waivable_by:
        yield f"may be waived by {', '.join(card.waivable_by)}"
    if card.warns:
        yield "warns before the end: " + ", ".join(f"{name} {clock}" for name, clock in card.warns)
    for name, clock in card.reports:
        yield f"{name} after {clock}"
    if card.at_once:
        yield f"straight to the top rung: {card.at_once}"
    if card.ends:
        yield f"ends with: {' or '.join(card.ends)}"


def _head(procedure: Procedure, title: str) -> Iterator[str]:
    yield f"{procedure.corridor.upper()}  {title}".rstrip()
    held = procedure.host if procedure.home == "host" else procedure.origin
    yield (
        f"host {procedure.host}, origin {procedure.origin}; offices in {held} hold the case;"
        f" rules of {procedure.version}; {len(procedure.cards)} cards"
    )


def _tracks(procedure: Procedure) -> Mapping[str, list[Card]]:
    """The cards by track; tracks and cards in the order in which they can begin."""
    depth = _depths(procedure)
    tracks: dict[str, list[Card]] = {}
    for card in sorted(procedure.cards.values(), key=lambda card: (card.watch, depth[card.id])):
        tracks.setdefault(card.track, []).append(card)
    return tracks


def _depths(procedure: Procedure) -> Mapping[str, int]:
    """How many steps lie before each card, at least; those of a handover plan come late."""
    depth = {
        card.id: 0 if card.after and card.kind != "closure" else 2 * LATE
        for card in procedure.cards.values()
    }
    for _ in procedure.cards:
        for card in procedure.cards.values():
            needs = [[_depth(fact, depth) for fact in need.any_of] for need in card.after]
            if needs and card.kind != "closure":
                depth[card.id] = min(2 * LATE, 1 + max(min(need) for need in needs if need))
    return depth


def _depth(fact: str, depth: Mapping[str, int]) -> int:
    if fact == "handover_planned":
        return LATE
    return max((depth.get(step, 0) for step in read_fact(fact).steps), default=0)


def _card(card: Card) -> Iterator[str]:
    mark = "~" if card.watch else "-"
    who = "watched for" if card.watch else "by"
    yield f"  {mark}  {card.id}: {card.title}"
    yield f"{INDENT}{who} {card.owner}, {clock_words(card)}"
    yield from _wrapped(f"after {start_words(card)}" if card.after else start_words(card))
    for sentence in extra_words(card):
        yield from _wrapped(sentence)
    for outcome in card.outcomes.values():
        follows = outcome_words(outcome)
        yield from _wrapped(f"=> {outcome.name}" + (f": {follows}" if follows else ""))


def _wrapped(text: str) -> list[str]:
    return wrap(text, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT + "   ")


def _ladder(ladder: Ladder, procedure: Procedure) -> Iterator[str]:
    users = sum(card.ladder == ladder.id for card in procedure.cards.values())
    yield f"  {ladder.id} ({users} cards)"
    if ladder.remind:
        yield f"{INDENT}E0  at half and four fifths of the clock: {', '.join(ladder.remind)}"
    for rung in ladder.rungs:
        does = "must decide" if rung.decides else "is told"
        when = "when due" if rung.after.amount == 0 else f"{rung.after} later"
        leaves = f"; leaves an {rung.records}" if rung.records else ""
        yield f"{INDENT}{rung.name}  {when}: {', '.join(rung.to)} {does}{leaves}"
    for word, roles in procedure.recipients.items():
        if any(word in rung.to for rung in ladder.rungs):
            yield f"{INDENT}{word} is {', '.join(roles)}"


def _openers(procedure: Procedure, gate: str) -> str:
    rule = procedure.gate_rules.get(gate, GateRule())
    opened_by = rule.opened_by[-1:] if rule.chain else rule.opened_by
    return " and ".join(opened_by) or "nothing"


def _gates(procedure: Procedure) -> Iterator[str]:
    for gate in procedure.gates.get("applies", ()):
        yield f"  {gate}: opened by {_openers(procedure, gate)}"
    for where, said in (
        ("plan_handover", "asked when a handover is planned"),
        ("depart", "asked at departure"),
    ):
        yield from _wrapped(f"{said}: {', '.join(procedure.gates.get(where, ()))}")
