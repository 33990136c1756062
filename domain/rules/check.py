"""Everything that can be wrong with the rules, in plain sentences naming file, card and field.

It only looks; `rulebook.py` refuses what cannot be read, this refuses what could leave a person stuck.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from domain.case import steps
from domain.rules import facts as words
from domain.rules.book import CARDS, CORRIDORS, CorridorReading, Rulebook, read_corridor
from domain.rules.cards import Finding, meant
from domain.rules.crossings import check_crossings
from domain.rules.start import steps_that_never_start
from domain.rules.tables import NO_SOURCE, check_tables, is_source
from domain.rules.walk import dead_end
from domain.work.procedure import Card, GateRule, Outcome, Procedure

KINDS = (steps.PLAIN, *steps.KINDS)
CASE_STATES = ("open", "returned", "returned_legal_open", "closed")
MESSAGES = ("request", "notice", "manifest", "extract", "feedback")
RESULT_FIELDS = (*steps.FIELDS, "evidence")
REPORTS = ("national_report", "agenda_item")
REMINDER = "E0"

Said = Iterator[tuple[str, str]]  # field and sentence


def check_rulebook(rulebook: Rulebook) -> list[Finding]:
    """All problems of a rulebook, each once; none means that it may be used."""
    try:
        return _all_problems(rulebook)
    except (AttributeError, KeyError, TypeError, ValueError) as wrong:
        said = f"a value has another shape than the rules have there: {wrong}"
        return [*rulebook.problems, Finding("rules", "", "", said)]


def _all_problems(rulebook: Rulebook) -> list[Finding]:
    found = list(rulebook.problems)
    readings = [read_corridor(rulebook, corridor, {}) for corridor in rulebook.corridors]
    if not readings:
        found.append(Finding(CORRIDORS, "", "", "there is no corridor"))
    for reading in readings:
        found.extend(reading.problems)
        found.extend(_cards(reading))
        found.extend(_corridor(reading))
    found.extend(check_tables(rulebook, readings))
    found.extend(check_crossings(rulebook, readings))
    found.extend(_unused_files(rulebook))
    # A walk through rules that cannot be read would only repeat in riddles what is said above.
    if not found:
        found.extend(problem for reading in readings for problem in _stuck(reading))
    return list(dict.fromkeys(found))


def _cards(reading: CorridorReading) -> Iterator[Finding]:
    for card in reading.procedure.cards.values():
        for look in LOOKS:
            for field, sentence in look(card, reading.procedure):
                yield Finding(reading.files[card.id], card.id, field, sentence)
        for name, outcome in card.outcomes.items():
            for look_at in OUTCOME_LOOKS:
                for field, sentence in look_at(outcome, card, reading.procedure):
                    yield Finding(
                        reading.files[card.id], card.id, f"outcomes.{name}.{field}", sentence
                    )


# -- one card


def _source(card: Card, _: Procedure) -> Said:
    if card.source and not is_source(card.source):
        yield "source", NO_SOURCE.format(card.source)


def _people(card: Card, _: Procedure) -> Said:
    if card.owner:
        yield from _each("owner", words.unknown_role(card.owner, more=words.OWNER_WORDS))
    for field in ("recorded_by", "waivable_by", "tells_lapse"):
        for role in getattr(card, field):
            yield from _each(field, words.unknown_role(role))


def _facts(card: Card, procedure: Procedure) -> Said:
    for need in card.after:
        for fact in (*need.any_of, *need.when):
            yield from _each("after", words.wrong_with(fact, procedure))
    for field in ("applies_to", "counts_from", "requires", "repeat_after", "ends"):
        for text in getattr(card, field):
            for fact in text.split(" or "):
                yield from _each(field, words.wrong_with(fact, procedure))
    if card.at_once:
        yield from _each("at_once", words.wrong_with(card.at_once, procedure))


def _names(card: Card, procedure: Procedure) -> Said:
    yield from _each("kind", words.unknown("kind of step", card.kind, KINDS))
    if card.consent:
        yield from _each("consent", words.unknown("purpose", card.consent, words.PURPOSES))
    if card.lapses_to:
        yield from _each("lapses_to", words.unknown("flag", card.lapses_to, words.FLAGS))
    for step in card.not_by:
        yield from _each("not_by", words.unknown("step", step, tuple(procedure.cards)))
    if card.shares and card.shares not in procedure.releases:
        lists = tuple(procedure.releases)
        yield (
            "shares",
            f"releases.toml has no field list '{card.shares}'{meant(card.shares, lists)}",
        )
    rungs = {rung.name for ladder in procedure.ladders.values() for rung in ladder.rungs}
    for name, _ in card.warns:
        yield from _each("warns", words.unknown("rung", name, (REMINDER, *sorted(rungs))))
    for name, _ in card.reports:
        yield from _each("reports", words.unknown("report", name, REPORTS))


def _clock(card: Card, _: Procedure) -> Said:
    made_by_act = card.owner == "setter" or (card.early and not card.after)
    has_clock = card.within or card.before_handover or card.at_handover or card.before_valid
    if not has_clock and not made_by_act:
        yield "within", "has no clock: it could wait for ever; add 'within' or 'before_handover'"
    if card.early and not (card.after or has_clock or card.warns):
        yield "warns", "has neither a clock nor warnings: it could wait for ever"
    if (
        card.before_handover or card.at_handover or card.offered_before_handover
    ) and not card.dated:
        yield "dated", "counts from the planned day, so it needs 'dated = true'"
    if card.dated and not any("handover_planned" in need.any_of for need in card.after):
        yield "after", "belongs to a handover plan, so it starts after 'handover_planned'"
    if bool(card.paper) != bool(card.before_valid):
        yield "paper", "'paper' and 'before_valid' belong together"


def _ladder(card: Card, procedure: Procedure) -> Said:
    if not card.ladder:
        yield "ladder", "has no ladder: nobody would hear that it is late"
    else:
        yield from _each("ladder", words.unknown("ladder", card.ladder, tuple(procedure.ladders)))


def _paper(card: Card, procedure: Procedure) -> Said:
    paper = procedure.cards.get(card.paper)
    if not card.paper:
        return
    if paper is None:
        yield from _each("paper", words.unknown("step", card.paper, tuple(procedure.cards)))
    elif not any("valid_until" in outcome.needs for outcome in paper.outcomes.values()):
        yield "paper", f"no outcome of '{card.paper}' needs 'valid_until', so it never ends"


def _shape(card: Card, _: Procedure) -> Said:
    outcomes = list(card.outcomes.values())
    if card.watch:
        if outcomes:
            yield "outcomes", "a watch has no outcomes; nobody does it"
        if not card.ends:
            yield "ends", "a watch needs 'ends', or it watches for ever"
        return
    if not outcomes:
        yield "outcomes", "has no outcomes, so nobody could complete it"
    elif all(outcome.again for outcome in outcomes):
        yield "outcomes", "every outcome makes it again, so it never ends"
    if card.ends:
        yield "ends", "only a watch has 'ends'"


LOOKS: tuple[Callable[[Card, Procedure], Said], ...] = (
    _source,
    _people,
    _facts,
    _names,
    _clock,
    _ladder,
    _paper,
    _shape,
)


# -- one outcome


def _restarted(procedure: Procedure) -> set[str]:
    """Steps that another step's outcome asks once more."""
    outcomes = (o for card in procedure.cards.values() for o in card.outcomes.values())
    return {step for outcome in outcomes for step in outcome.restarts}


def _outcome_words(outcome: Outcome, card: Card, procedure: Procedure) -> Said:
    steps = tuple(procedure.cards)
    known: tuple[tuple[str, tuple[str, ...], str, tuple[str, ...]], ...] = (
        ("offers", outcome.offers, "step", steps),
        ("restarts", outcome.restarts, "step", steps),
        ("skips_all_but", outcome.skips_all_but, "step", steps),
        ("closes", outcome.closes, "gate", words.GATES),
        ("gates", outcome.gates, "gate", words.GATES),
        ("withdraws", outcome.withdraws, "purpose", words.PURPOSES),
        ("confirms", outcome.confirms, "purpose", words.PURPOSES),
        ("needs", outcome.needs, "field of a result", RESULT_FIELDS),
        ("case", tuple(filter(None, [outcome.case])), "state of a case", CASE_STATES),
        ("sends", tuple(filter(None, [outcome.sends])), "message", MESSAGES),
    )
    for field, named, what, allowed in known:
        for word in named:
            yield from _each(field, words.unknown(what, word, allowed))
    for field in ("tells", "sends_to"):
        for role in getattr(outcome, field):
            yield from _each(field, words.unknown_role(role))
    if outcome.again_multiple_of:
        yield from _each(
            "again_multiple_of", words.wrong_with(outcome.again_multiple_of, procedure)
        )
    if outcome.restarts and not card.repeat_after and card.id not in _restarted(procedure):
        yield "restarts", "is only read when the step can be repeated; add 'repeat_after'"


def _outcome_message(outcome: Outcome, card: Card, procedure: Procedure) -> Said:
    if bool(outcome.sends) != bool(outcome.sends_to):
        yield "sends_to", "'sends' and 'sends_to' belong together"
    if outcome.sends == "request" and not card.shares:
        yield "sends", "sends a request, but 'shares' names no field list for it"
    elif outcome.sends in MESSAGES[1:] and outcome.sends not in procedure.releases:
        yield "sends", f"releases.toml has no field list '{outcome.sends}'"


OUTCOME_LOOKS: tuple[Callable[[Outcome, Card, Procedure], Said], ...] = (
    _outcome_words,
    _outcome_message,
)


def _each(field: str, sentences: Iterator[str]) -> Said:
    for sentence in sentences:
        yield field, sentence


# -- one corridor


def _corridor(reading: CorridorReading) -> Iterator[Finding]:
    procedure = reading.procedure
    file = f"{CORRIDORS}{procedure.corridor}.toml"
    at = partial(Finding, file, "")
    for field, sentence in steps_that_never_start(procedure):
        card = field.partition(".")[0]
        yield Finding(reading.files[card], card, field.partition(".")[2], sentence)
    yield from _gates(reading)
    for word, roles in procedure.recipients.items():
        if word == "identity":
            continue
        for role in roles:
            for _, sentence in _each("", words.unknown_role(role)):
                yield at(f"recipients.{word}", sentence)
    for step in procedure.recipients.get("identity", ()):
        outcomes: Mapping[str, Outcome] = (
            procedure.cards[step].outcomes if step in procedure.cards else {}
        )
        if "confirmed" not in outcomes:
            yield at("identity", f"'{step}' is no step with the outcome 'confirmed'")
    for fact in procedure.child_needs:
        for sentence in words.wrong_with(fact, procedure):
            yield at("child_needs", sentence)
    for sentence in words.wrong_with(procedure.departs_after_outcome, procedure):
        yield at("step", sentence)
    if procedure.sends_with_handover and procedure.sends_with_handover not in procedure.releases:
        yield at(
            "sends_with_handover",
            f"releases.toml has no field list '{procedure.sends_with_handover}'",
        )
    for role in procedure.sends_with_handover_to:
        for sentence in words.unknown_role(role):
            yield at("sends_with_handover_to", sentence)
    yield from _own_people(reading)


def _gates(reading: CorridorReading) -> Iterator[Finding]:
    procedure = reading.procedure
    asked = ("applies", "plan_handover", "depart", "handed_over")
    for where in asked:
        field = f"asked.{procedure.corridor}.{where}"
        if where not in procedure.gates:
            yield Finding("gates.toml", "", field, f"says no gates for '{where}'")
        for gate in procedure.gates.get(where, ()):
            if gate == "no_bar" and where == "plan_handover":
                continue
            if gate not in words.GATES:
                for sentence in words.unknown("gate", gate, words.GATES):
                    yield Finding("gates.toml", gate, field, sentence)
                continue
            openers = procedure.gate_rules.get(gate, GateRule()).opened_by
            if not openers:
                yield Finding("gates.toml", gate, field, "is asked, but nothing opens this gate")
            for fact in openers:
                for sentence in words.wrong_with(fact, procedure):
                    yield Finding(
                        "gates.toml",
                        gate,
                        "opened_by",
                        f"no step of {procedure.corridor} opens it: {sentence}",
                    )


def _own_people(reading: CorridorReading) -> Iterator[Finding]:
    """Where the home country holds the case its own national needs no proof of nationality."""
    procedure = reading.procedure
    if procedure.home != "origin":
        return
    for card in procedure.cards.values():
        asks = card.id.startswith("verification") or card.owner == "origin.identity"
        if asks or card.track == "nationality":
            yield Finding(
                reading.files[card.id],
                card.id,
                "id",
                f"asks about nationality, and in {procedure.corridor} nobody may: its own people"
                " come home",
            )
    if procedure.recipients.get("identity") or "identity" in procedure.gates.get("applies", ()):
        yield Finding(
            f"{CORRIDORS}{procedure.corridor}.toml",
            "",
            "identity",
            "the gate identity does not apply where the country takes its own people back",
        )


def _unused_files(rulebook: Rulebook) -> Iterator[Finding]:
    used = {
        f"{CARDS}{name}.toml"
        for corridor in rulebook.corridors
        for name in rulebook.table(f"{CORRIDORS}{corridor}.toml").get("cards", [])
    }
    known = ("access.toml", "calendars.toml", "crossings.toml", "gates.toml", "ladders.toml",
             "offices.toml", "releases.toml")  # fmt: skip
    for file in rulebook.tables:
        if file.startswith(CARDS) and file not in used:
            yield Finding(file, "", "", "no corridor uses these cards")
        elif not file.startswith((CARDS, CORRIDORS)) and file not in known:
            yield Finding(file, "", "", f"nobody reads this file{meant(file, known)}")
    for file in known:
        if file not in rulebook.tables and not rulebook.problems:
            yield Finding(file, "", "", "the file is missing")


def _stuck(reading: CorridorReading) -> Iterator[Finding]:
    procedure = reading.procedure
    try:
        end = dead_end(procedure)
    except ValueError as wrong:
        yield Finding(f"{CORRIDORS}{procedure.corridor}.toml", "", "", str(wrong))
        return
    if end is None:
        return
    file = reading.files.get(end.step, f"{CORRIDORS}{procedure.corridor}.toml")
    yield Finding(
        file,
        end.step,
        f"outcomes.{end.outcome}" if end.outcome else "",
        f"dead end in {procedure.corridor}: from here {end.who} can never come to an end of the case;"
        " the shortest way there:",
        end.path,
    )
