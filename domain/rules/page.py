"""Writes docs/rules.md: every step of every corridor as a table, and how to change a rule."""

from __future__ import annotations

from collections.abc import Iterator

from domain.rules.book import Rulebook, read_corridor
from domain.rules.cards import Table
from domain.rules.crossings import corridors_over, registered_crossings
from domain.rules.show import clock_words, extra_words, outcome_words, start_words
from domain.work.procedure import Procedure

HOW = """\
# The rules

This page is made from the files in `rules/`; do not edit it. After a change of the rules write it
anew with `python rulefiles.py > docs/rules.md` (a test compares).

## How to change a rule

1. Find the card: `rules/corridors/<corridor>.toml` names the card files it uses, in order; a card
   that only one corridor has stands in that corridor's own file.
2. Change the value, and its `source` with it. A source is a mark of the list of sources, as
   `[N1] ...`, or says openly that it is a `proposal; ...`.
3. `homeward rules check` says in plain sentences what is wrong: file, card, field.
4. `homeward rules show th-la` draws the plan. Play a story against the change:
   `homeward story play stories/*.toml`.
5. Cases that are already running keep the rules they started with until somebody adopts the new
   ones. Raise `version` in the corridor's file.

| where | what |
| --- | --- |
| `corridors/*.toml` | one pair of countries: who holds the case, which cards, what is special to it |
| `cards/*.toml` | the steps, shared by corridors |
| `ladders.toml` | who hears of a late step, and when |
| `gates.toml` | what must be open at departure, what opens it |
| `releases.toml` | what each message may carry, what each view shows, whom a consent covers |
| `access.toml` | who may do what |
| `calendars.toml` | working days of each country |
| `crossings.toml` | where people cross, at what hours, and who is reached on both sides |
| `offices.toml` | the register of offices that can hold roles |

### A card

```toml
[[step]]                       # or [[watch]]: time that is watched, nobody completes it
id = "tracing"
title = "Family found and assessed"
track = "tracing"              # where `rules show` draws it
owner = "origin.tracing"       # a role; home.X and away.X are the side that holds the case, and the other
after = ["tracing_request:sent"]
within = "45 days"             # minutes hours days, working days, weeks, months, years
ladder = "normal"
source = "proposal; no sourced value for Laos"
[step.outcomes.found_safe]
[step.outcomes.found_unsafe]
closes = ["safety"]
```

`after` is a list; all of it must hold. An entry is a fact, several facts joined by ` or `, or a table
`{ any = [...], when = [...] }` that counts only while all of `when` hold. The facts are:

`opening`, `STEP` (done or skipped), `STEP:outcome|outcome`, `consent:PURPOSE` (live),
`consented:PURPOSE` (ever given), `plan`, `no plan`, `child`, `adult`, `flag:NAME`, `no flag:NAME`,
`bar`, `no bar`, `bar:KIND`, `refused_twice:STEP+STEP`.

The clock counts from the last condition that came true. `legal = true`: the clock never rolls to a
working day. `for_each = ["1m", "3m"]` makes a card for each word, with `{each}` in its place; with
a table, `{value}` too. Other `{words}` are filled in from `[words]` of the corridor.

A story tries another value without touching the files: `[policy]` with `"tracing.within" = "30 days"`,
`"normal.E2" = "10 days"` or `"consent_lasts" = "60 days"`.
"""


def rules_page(rulebook: Rulebook) -> str:
    """The whole page as Markdown."""
    lines = [HOW]
    for corridor in rulebook.corridors:
        transition = read_corridor(rulebook, corridor, {})
        lines += [f"## {corridor}: {transition.title}", "", *_table(transition.procedure), ""]
    lines += ["## Ladders", "", *_ladders(rulebook), ""]
    lines += ["## Gates", "", *_gates(rulebook), ""]
    lines += ["## Crossings", "", *_crossings(rulebook), ""]
    lines += ["## What may be told", "", *_releases(rulebook), ""]
    return "\n".join(lines)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _table(procedure: Procedure) -> Iterator[str]:
    yield _row("step", "who", "clock", "starts after", "outcomes and what follows", "source")
    yield "| --- | --- | --- | --- | --- | --- |"
    for card in procedure.cards.values():
        outcomes = [
            f"`{o.name}`" + (f" ({outcome_words(o)})" if outcome_words(o) else "")
            for o in card.outcomes.values()
        ]
        more = "; ".join(extra_words(card))
        yield _row(
            f"`{card.id}`{' (watch)' if card.watch else ''} {card.title}",
            card.owner,
            clock_words(card),
            start_words(card) + (f". {more}" if more else ""),
            ", ".join(outcomes),
            card.source,
        )


def _ladders(rulebook: Rulebook) -> Iterator[str]:
    yield _row("ladder", "rung", "after the due moment", "to", "decides")
    yield "| --- | --- | --- | --- | --- |"
    for ladder in rulebook.table("ladders.toml").get("ladder", []):
        for rung in ladder.get("rung", []):
            yield _row(
                str(ladder["id"]),
                str(rung["name"]),
                str(rung["after"]),
                ", ".join(rung["to"]),
                "yes" if rung.get("decides") else "no",
            )


def _opened_by(gate: Table) -> Iterator[str]:
    for fact in gate.get("opened_by", []):
        yield fact.replace("{identity}", "the corridor's last `identity` step")


def _gates(rulebook: Rulebook) -> Iterator[str]:
    yield _row("gate", "what it asks", "opened by", "source")
    yield "| --- | --- | --- | --- |"
    for name, gate in rulebook.table("gates.toml").get("gate", {}).items():
        opened = ", ".join(_opened_by(gate))
        yield _row(name, gate.get("title", ""), opened, gate.get("source", ""))


def _crossings(rulebook: Rulebook) -> Iterator[str]:
    yield _row("crossing", "corridors", "hours", "who is reached", "source")
    yield "| --- | --- | --- | --- | --- |"
    for crossing in registered_crossings(rulebook).values():
        yield _row(
            f"`{crossing.id}` {crossing.name}",
            ", ".join(corridors_over(rulebook, crossing)) or "none yet",
            crossing.hours,
            ", ".join(crossing.offices.values()),
            crossing.source,
        )


def _releases(rulebook: Rulebook) -> Iterator[str]:
    yield _row("list", "may carry", "source")
    yield "| --- | --- | --- |"
    for name, row in rulebook.table("releases.toml").get("lists", {}).items():
        yield _row(name, ", ".join(row.get("carries", [])), row.get("source", ""))
