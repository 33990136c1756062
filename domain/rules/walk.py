"""Looks for dead ends: walks every outcome of every step for each kind of person.

It walks a simple model of a plan: steps are open or done, a plan stands or not, consents are given.
Tasks that are open together are done one after the other, as the order of independent ones makes no
difference. What people may always do (consent, tell the country after all, plan a handover, repeat a
step) is tried when no task is left that could be done. A state from which no way leads to an end of
the case, nor to a task that offers one, is a dead end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from domain.rules.facts import Fact, read_fact
from domain.work.procedure import Card, GateRule, Outcome, Procedure

SILENT = "do_not_notify_state"
ENDS = frozenset({"closed", "cancelled", "returned_legal_open"})
TWICE = 2


@dataclass(frozen=True, slots=True)
class State:
    """One point of a case in the model."""

    child: bool
    silent: bool  # her country must not be told
    done: frozenset[tuple[str, str]] = frozenset()
    open: frozenset[str] = frozenset()
    forced: frozenset[str] = frozenset()  # offered by an outcome
    consents: frozenset[str] = frozenset()
    ever: frozenset[str] = frozenset()  # consents ever given
    refused: frozenset[tuple[str, int]] = frozenset()
    handover_planned: bool = False
    ended: bool = False

    def outcome(self, step: str) -> str:
        """How a step ended, or empty."""
        return next((outcome for name, outcome in self.done if name == step), "")

    def refusals(self, steps: tuple[str, ...]) -> int:
        """How often these steps were refused so far, counted to two."""
        counts = dict(self.refused)
        return sum(counts.get(step, 0) for step in steps)


@dataclass(frozen=True, slots=True)
class DeadEnd:
    """Where a person is stuck: who, the last step and outcome, and the shortest way there."""

    who: str
    step: str
    outcome: str
    path: tuple[str, ...]


@dataclass(slots=True)
class _Graph:
    came: dict[State, tuple[State | None, str]] = field(default_factory=dict)
    before: dict[State, list[State]] = field(default_factory=dict)
    good: list[State] = field(default_factory=list)


def dead_end(procedure: Procedure, limit: int = 200_000) -> DeadEnd | None:
    """The dead end with the shortest way to it, or None when there is none.

    Raises ValueError when the rules branch so much that `limit` states do not suffice.
    """
    walk = _Walk(procedure)
    found = [end for start in walk.starts() if (end := walk.search(start, limit)) is not None]
    return min(found, key=lambda end: len(end.path), default=None)


class _Walk:
    """The model of one plan."""

    def __init__(self, procedure: Procedure) -> None:
        self.procedure = procedure
        self.cards = _merged(procedure, _that_matter(procedure))
        self.purposes = _purposes(self.cards)
        facts = [fact for card in self.cards.values() for fact in _facts_of(card)]
        self.counted = {s for fact in facts if fact.word == "refused_twice" for s in fact.steps}

    def starts(self) -> Iterator[State]:
        """The kinds of person: child or adult, country told or not."""
        for child in (False, True):
            for silent in (False, True):
                yield self.offer(State(child, silent))

    def search(self, start: State, limit: int) -> DeadEnd | None:
        """Breadth first from one start, then back from every good end."""
        graph = _Graph(came={start: (None, "")})
        waiting = deque([start])
        while waiting:
            state = waiting.popleft()
            if self.is_good(state):
                graph.good.append(state)
                continue
            for label, new in self.moves(state):
                graph.before.setdefault(new, []).append(state)
                if new not in graph.came:
                    graph.came[new] = (state, label)
                    waiting.append(new)
            if len(graph.came) > limit:
                msg = f"more than {limit} states: the rules branch too much to be searched"
                raise ValueError(msg)
        alive = set(graph.good)
        back = deque(graph.good)
        while back:
            for state in graph.before.get(back.popleft(), ()):
                if state not in alive:
                    alive.add(state)
                    back.append(state)
        lost = next((state for state in graph.came if state not in alive), None)
        return None if lost is None else _described(start, _path(graph, lost))

    def is_good(self, state: State) -> bool:
        """The case has ended, or an open task is there whose every outcome ends it."""
        return state.ended or any(
            bool(outcomes) and all(outcome.case in ENDS for outcome in outcomes)
            for step in state.open
            for outcomes in [list(self.cards[step].outcomes.values())]
        )

    # -- what can happen

    def moves(self, state: State) -> Iterator[tuple[str, State]]:
        """Every next state with its label; the outcomes of the first task that can be done."""
        for step in self.cards:
            card = self.cards[step]
            if step not in state.open or not self.can_complete(state, card):
                continue
            allowed = [o for o in card.outcomes.values() if self.gates_open(state, o.gates)]
            if allowed:
                for outcome in allowed:
                    yield f"{step}:{outcome.name}", self.complete(state, card, outcome)
                return
        yield from self.free_moves(state)

    def free_moves(self, state: State) -> Iterator[tuple[str, State]]:
        """What people may do without a task."""
        for purpose in self.purposes:
            if purpose not in state.consents:
                given = replace(
                    state,
                    consents=state.consents | {purpose},
                    ever=state.ever | {purpose},
                )
                yield f"consent {purpose} is given", self.offer(given)
        if state.silent:
            yield "her country may be told after all", self.offer(replace(state, silent=False))
        if self.may_plan_handover(state):
            yield "a handover is planned", self.offer(replace(state, handover_planned=True))
        for card in self.cards.values():
            repeatable = any(self.holds(state, fact) for fact in card.repeat_after)
            if repeatable and state.outcome(card.id):
                yield f"{card.id} is asked again", self.repeat(state, card)

    def may_plan_handover(self, state: State) -> bool:
        """A plan needs the gates asked then, and nobody has left yet."""
        if (
            state.handover_planned
            or state.silent
            or not any(card.dated for card in self.cards.values())
        ):
            return False
        left = self.holds(state, self.procedure.departs_after_outcome)
        asked = self.procedure.gates.get("plan_handover", ())
        return not left and self.gates_open(state, asked)

    def can_complete(self, state: State, card: Card) -> bool:
        """Its consent is there and what it requires holds."""
        consented = card.consent not in self.purposes or card.consent in state.consents
        return consented and all(self.holds(state, fact) for fact in card.requires)

    def gates_open(self, state: State, gates: tuple[str, ...]) -> bool:
        """Everything that opens these gates holds; a gate that does not apply is open."""
        applies = self.procedure.gates.get("applies", ())
        return all(
            self.holds(state, fact)
            for gate in gates
            if gate in applies and gate != "crossing"
            for fact in _openers(self.procedure, gate)
        )

    def complete(self, state: State, card: Card, outcome: Outcome) -> State:
        """The step ends this way, with all that follows."""
        if outcome.again:
            return self.offer(replace(state, consents=state.consents - set(outcome.withdraws)))
        refused = dict(state.refused)
        if outcome.name == "refused" and card.id in self.counted:
            refused[card.id] = min(TWICE, refused.get(card.id, 0) + 1)
        new = replace(
            state,
            done=_without(state.done, {card.id}) | {(card.id, outcome.name)},
            open=(state.open - {card.id}) | {s for s in outcome.offers if s in self.cards},
            forced=state.forced | set(outcome.offers),
            consents=state.consents - set(outcome.withdraws),
            refused=frozenset(refused.items()),
            ended=outcome.case in ENDS,
        )
        return self.offer(self.unplan(new) if outcome.ends_handover else new)

    def unplan(self, state: State) -> State:
        """The plan ends and takes its dated steps along."""
        dated = {card.id for card in self.cards.values() if card.dated}
        return replace(
            state, handover_planned=False, done=_without(state.done, dated), open=state.open - dated
        )

    def repeat(self, state: State, card: Card) -> State:
        """The step is open once more, and what it restarts is undone."""
        again = {name for o in card.outcomes.values() for name in o.restarts}
        return replace(
            state,
            done=_without(state.done, again | {card.id}),
            open=(state.open - again) | {card.id},
        )

    def offer(self, state: State) -> State:
        """Open every step whose start has come; take back those whose start holds no more."""
        opened = {step for step, card in self.cards.items() if self.starts_now(state, card)}
        finished = {name for name, _ in state.done}
        return replace(state, open=frozenset(opened - finished))

    def starts_now(self, state: State, card: Card) -> bool:
        """Every condition of the start holds, or an outcome or repetition opened it."""
        silenced = card.do_not_notify and state.silent
        if silenced or not all(self.holds(state, fact) for fact in card.applies_to):
            return False
        if card.id in state.forced or card.id in state.open:
            return True
        needs = [n for n in card.after if all(self.holds(state, fact) for fact in n.when)]
        return bool(needs) and all(
            any(self.holds(state, fact) for fact in need.any_of) for need in needs
        )

    # -- what is true

    def holds(self, state: State, text: str) -> bool:
        """A fact in the model: no bar, no flag but the one about her country."""
        fact = read_fact(text)
        if fact.is_step:
            return self.step_holds(state, fact)
        match fact.word:
            case "consent":
                return fact.rest in state.consents or fact.rest not in self.purposes
            case "consented":
                return fact.rest in state.ever
            case "handover_planned":
                return state.handover_planned
            case "no handover_planned":
                return not state.handover_planned
            case "child":
                return state.child
            case "adult":
                return not state.child
            case "flag":
                return fact.rest == SILENT and state.silent
            case "no flag":
                return fact.rest != SILENT or not state.silent
            case "refused_twice":
                return state.refusals(fact.steps) >= TWICE
            case _:
                return fact.word in {"opening", "no bar"}

    def step_holds(self, state: State, fact: Fact) -> bool:
        """A step has ended, and as the fact says."""
        outcome = state.outcome(fact.word)
        if fact.word not in self.cards:
            return fact.word in self.procedure.cards  # ends by itself, nothing hangs on how
        return bool(outcome) and (not fact.outcomes or outcome in fact.outcomes)


def _without(done: frozenset[tuple[str, str]], steps: set[str]) -> frozenset[tuple[str, str]]:
    return frozenset((name, outcome) for name, outcome in done if name not in steps)


def _purposes(cards: Mapping[str, Card]) -> tuple[str, ...]:
    """The consents whose absence makes a difference: those that a start waits for.

    Any other can be asked for when it is needed, so the model takes it as given.
    """
    facts = [fact for card in cards.values() for fact in _facts_of(card)]
    return tuple(sorted({f.rest for f in facts if f.word in {"consent", "consented"}}))


def _facts_of(card: Card) -> Iterator[Fact]:
    for need in card.after:
        yield from (read_fact(fact) for fact in (*need.any_of, *need.when))
    for fact in (*card.applies_to, *card.requires, *card.repeat_after):
        yield read_fact(fact)


def _that_matter(procedure: Procedure) -> Mapping[str, Card]:
    """The steps on which another step, a gate, a plan or the end of the case depends.

    The others are left out: that they are open for a while does not keep a case alive.
    """
    steps = {
        name: card for name, card in procedure.cards.items() if not card.watch and not card.aside
    }
    wanted = {name for name, card in steps.items() if any(map(_moves_case, card.outcomes.values()))}
    wanted |= {
        step
        for gate in procedure.gate_rules
        for fact in _openers(procedure, gate)
        for step in read_fact(fact).steps
    }
    wanted |= set(read_fact(procedure.departs_after_outcome).steps)
    while True:
        more = {
            step
            for name in wanted & set(steps)
            for fact in _facts_of(steps[name])
            for step in fact.steps
        }
        if more <= wanted:
            break
        wanted |= more
    return {name: card for name, card in steps.items() if name in wanted}


def _openers(procedure: Procedure, gate: str) -> tuple[str, ...]:
    """The facts that open a gate; of steps that ask one another the last."""
    rule = procedure.gate_rules.get(gate, GateRule())
    return rule.opened_by[-1:] if rule.chain else rule.opened_by


def _merged(procedure: Procedure, cards: Mapping[str, Card]) -> Mapping[str, Card]:
    """The cards with one outcome for all that follow alike: same effects, named by the same facts."""
    named = [fact for card in cards.values() for fact in _facts_of(card)]
    named += [read_fact(f) for gate in procedure.gate_rules for f in _openers(procedure, gate)]
    named.append(read_fact(procedure.departs_after_outcome))

    def alike(step: str, outcome: Outcome) -> tuple[object, ...]:
        facts = [i for i, f in enumerate(named) if step in f.steps and outcome.name in f.outcomes]
        return (replace(outcome, name="", closes=(), needs=(), tells=(), confirms=()), *facts)

    merged = {}
    for step, card in cards.items():
        first: dict[tuple[object, ...], Outcome] = {}
        for outcome in card.outcomes.values():
            first.setdefault(alike(step, outcome), outcome)
        merged[step] = replace(card, outcomes={o.name: o for o in first.values()})
    return merged


def _moves_case(outcome: Outcome) -> bool:
    return bool(outcome.case or outcome.offers or outcome.ends_handover or outcome.withdraws)


def _path(graph: _Graph, state: State) -> tuple[str, ...]:
    labels = []
    where: State | None = state
    while where is not None:
        where, label = graph.came[where]
        if label:
            labels.append(label)
    return tuple(reversed(labels))


def _described(start: State, path: tuple[str, ...]) -> DeadEnd:
    told = " whose country must not be told" if start.silent else ""
    last = next((label for label in reversed(path) if ":" in label), "")
    step, _, outcome = last.partition(":")
    return DeadEnd(f"{'a child' if start.child else 'an adult'}{told}", step, outcome, path)
