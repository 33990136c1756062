"""A case behaves as its edition says; what an edition does is written down and never changes."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.behaviour import EDITION, EDITIONS
from domain.case import core
from domain.case.acts.world import ChangeEdition
from domain.case.events import CaseOpened
from domain.work.events import EditionMoved, RungFired, TaskNoted
from domain.work.wake import wake as real_wake
from engine.errors import ActRefused
from tests.builders import MONDAY, STALLED, a_life, an_act, an_opening
from tests.ledger.editions import SAVED, as_text, recomputed
from tests.ledger.rooms import ASK, a_note, every_row, forget, homeward, renewed
from tests.ledger.upgraded import THE_NEXT, made_up
from tests.workflows.conftest import Lab

FILES = sorted(SAVED.glob("*/*.json"))
MOVE = replace(
    an_act("world_edition", "host.case"), by="admin", user="", body=ChangeEdition(number=THE_NEXT)
)


def ids(files: list[Path]) -> list[str]:
    return [f"{file.parent.name}-{file.stem}" for file in files]


@pytest.mark.parametrize("file", FILES, ids=ids(FILES))
def test_it_behaves_as_saved(file: Path) -> None:
    """See tests/ledger/editions.py before anything saved is replaced."""
    text = file.read_text(encoding="utf-8")
    assert as_text(recomputed(json.loads(text))) == text


def test_it_has_saved_lists_for_every_edition_that_may_live() -> None:
    assert {int(file.parent.name) for file in FILES} == set(EDITIONS)
    assert max(EDITIONS) == EDITION


# A changed `if`, anywhere in the core, without a new edition.
def _later(monkeypatch: pytest.MonkeyPatch) -> None:

    def wake(transition: Any, at: datetime, *, inclusive: bool) -> None:
        real_wake(transition, at - timedelta(days=1), inclusive=inclusive)

    monkeypatch.setattr(core, "wake", wake)


def _nothing_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core, "settle", lambda *_: None)


@pytest.mark.parametrize("change", [_later, _nothing_offered])
def test_it_notices_a_core_that_behaves_otherwise(
    change: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    change(monkeypatch)
    kept = 0
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        try:
            kept += as_text(recomputed(json.loads(text))) == text
        except (KeyError, ValueError, IndexError):
            continue
    assert kept == 0


# -- a made-up edition (tests/ledger/upgraded.py): a note is followed by another one


@pytest.fixture
def the_next(monkeypatch: pytest.MonkeyPatch) -> int:
    """The program after an upgrade: it knows one edition more."""
    monkeypatch.setitem(EDITIONS, THE_NEXT, made_up())
    return THE_NEXT


def notes(lab: Lab, opening: Any) -> list[str]:
    return [event.note for event in lab.events(opening) if isinstance(event, TaskNoted)]


async def test_it_goes_on_as_before_until_it_is_moved(lab: Lab, the_next: int) -> None:
    old, new = await lab.open(), await lab.open(replace(an_opening(), edition=the_next))
    for opening in (old, new):
        await lab.act(opening, a_note(1))
    assert notes(lab, old) == ["text:1"]
    assert notes(lab, new) == ["text:1", "text:new"]
    assert [lab.case(opening).edition for opening in (old, new)] == [EDITION, the_next]
    first = lab.events(new)[0]
    assert isinstance(first, CaseOpened)
    assert first.edition == the_next

    # The old one goes on as before through everything that begins a run anew.
    gone = await renewed(lab, old)
    await forget(lab, old, gone)
    await lab.act(old, a_note(2))
    assert notes(lab, old) == ["text:1", "text:2"]

    moved = await lab.act(old, MOVE)
    assert moved.version == len(lab.rows(old))
    assert lab.events(old)[-1] == EditionMoved(at=moved.at, edition=the_next)
    await lab.act(old, a_note(3))
    assert notes(lab, old) == ["text:1", "text:2", "text:3", "text:new"]
    await renewed(lab, old)
    await lab.act(old, a_note(4))
    assert notes(lab, old)[-2:] == ["text:4", "text:new"]

    before = await asyncio.to_thread(every_row, lab.database)
    assert (await homeward(lab, "reproject")).code == 0
    assert await asyncio.to_thread(every_row, lab.database) == before


async def test_it_keeps_its_deadlines_when_it_moves(lab: Lab, the_next: int) -> None:
    opening = await lab.open()
    await lab.days_pass(opening, 1)
    await lab.act(opening, ASK)
    await lab.act(opening, MOVE)
    await lab.days_pass(opening, 60)
    rungs = [event for event in lab.events(opening) if isinstance(event, RungFired)]
    expected = a_life(*STALLED, opening=opening).events
    assert rungs == [event for event in expected if isinstance(event, RungFired)]
    assert rungs


@pytest.mark.parametrize("number", [0, THE_NEXT, -1])
async def test_it_moves_to_no_edition_that_is_older_or_unknown(lab: Lab, number: int) -> None:
    opening = await lab.open()
    with pytest.raises(ActRefused) as refused:
        await lab.act(opening, replace(MOVE, body=ChangeEdition(number=number)))
    assert refused.value.slug == "invalid-field"


def test_it_says_so_when_a_case_is_of_an_edition_it_does_not_know() -> None:
    unknown = replace(a_life().case, edition=THE_NEXT)
    with pytest.raises(ValueError, match=f"edition {THE_NEXT}"):
        core.advance(unknown, None, MONDAY + timedelta(days=9))
