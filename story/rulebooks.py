"""The rulebooks that stories use, each read once, and the words they add to the contract's.

Reading a folder is `rulefiles.py`'s; this only remembers and lists.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from domain.rules.book import Rulebook, read_corridor
from rulefiles import SHIPPED, read_rules
from story.names import Added


@cache
def rulebook_of(folder: Path | None) -> Rulebook:
    """The rulebook of a folder; of the shipped rules where a story names none."""
    return read_rules(folder or SHIPPED)


@cache
def added_words(folder: Path | None) -> Added:
    """Steps, outcomes and corridors of a rulebook, for checking the words of a story file."""
    rulebook = rulebook_of(folder)
    steps: dict[str, set[str]] = {}
    for corridor in rulebook.corridors:
        for name, card in read_corridor(rulebook, corridor, {}).procedure.cards.items():
            if not card.watch:
                steps.setdefault(name, set()).update(card.outcomes)
    return Added(
        steps={name: tuple(sorted(outcomes)) for name, outcomes in steps.items()},
        corridors=rulebook.corridors,
    )
