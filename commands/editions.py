"""Editions: how cases behave, and moving them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from commands.shared import database_here, fail, running_settings
from records.session import system, transaction

if TYPE_CHECKING:
    pass

edition = typer.Typer(help="How cases behave: each as its edition says, until it is moved.")


@edition.command("show")
def edition_show() -> None:
    """Say how many cases are of each edition; exit 1 if this program does not know one of them."""
    from domain.behaviour import EDITION, EDITIONS
    from domain.kinds import CASE
    from records.editions import counts

    with database_here() as database, transaction(database, system("command")) as connection:
        found = counts(connection, CASE.name)
    for one in found:
        known = "" if one.edition in EDITIONS else "; this program does not know it"
        print(f"edition {one.edition}: {one.open} open, {one.ended} ended{known}")
    print(f"New cases are of edition {EDITION}.")
    if any(one.edition not in EDITIONS for one in found):
        raise typer.Exit(1)


@edition.command("move")
def edition_move(
    number: int,
    case: Annotated[
        list[str] | None, typer.Option(help="its reference; again for more; none: every open case")
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="say what would be done, change nothing")] = False,
) -> None:
    """Let open cases behave from now on as a newer edition says; exit 1 if one was not moved."""
    import asyncio
    from collections import Counter

    from domain.behaviour import EDITIONS
    from engine.editions import PASSED_OVER, WRONG, Became, moves
    from engine.errors import EngineAway

    if number not in EDITIONS:
        raise fail(f"This program does not know edition {number}.", 2)
    told: Counter[Became] = Counter()

    async def move() -> None:
        settings = running_settings()
        async for one in moves(database, settings, number, case or (), dry_run=dry_run):
            told[one.became] += 1
            print(one.in_words(number), flush=True)

    with database_here() as database:
        try:
            asyncio.run(move())
        except EngineAway as away:
            raise fail(str(away)) from None
    done = Became.WOULD_MOVE if dry_run else Became.MOVED
    passed, wrong = (sum(told[one] for one in some) for some in (PASSED_OVER, WRONG))
    print(f"{told[done]} case(s) {done.value} to edition {number}; {passed} passed over.")
    if wrong:
        raise fail(f"{wrong} case(s) not moved; it is safe to run this again.")
