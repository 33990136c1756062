"""Commands that say something of the world: crossings, calendars, posts, rules, and who was told.

They write the same facts as the API does, as the administrator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from records.session import system, transaction

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from api.world import Said
    from api.world_preview import Summary
    from domain.rules.book import Rulebook
    from records.world import Fact

crossing = typer.Typer(help="Crossings: which are shut, and shutting and opening them.")
calendar = typer.Typer(help="Days off, and which open clocks they move.")
post = typer.Typer(help="Posts of offices: who holds them, from when until when.")
facts = typer.Typer(help="What was said of the world, and how many cases have been told.")

Reason = Annotated[str, typer.Option(help="why, in one sentence")]
Source = Annotated[str, typer.Option(help="who said so: a letter, a notice, a call")]
By = Annotated[str, typer.Option(help="the office that says it")]
DryRun = Annotated[bool, typer.Option(help="say what would move, change nothing")]
Write = Callable[["Connection", "Rulebook", "Said", datetime], Sequence["Fact"]]
ADMIN = "admin"
SHOWN = 20


def mount(app: typer.Typer, rules: typer.Typer) -> None:
    """Add the commands to those of `homeward`."""
    app.add_typer(crossing, name="crossing")
    app.add_typer(calendar, name="calendar")
    app.add_typer(post, name="post")
    app.add_typer(facts, name="world")
    rules.command("adopt")(rules_adopt)


# -- how a fact is written


@contextmanager
def _refusals_in_words() -> Iterator[None]:
    """A refusal is one sentence and exit 1."""
    from api.errors import Problem
    from commands.shared import fail
    from domain.errors import Refused

    try:
        yield
    except (Problem, Refused) as refused:
        raise fail(refused.detail) from None


def _say(reason: str, source: str, by: str, write: Write) -> None:
    """Write facts down and start telling them; where the engine is away they are told later."""
    import asyncio
    from datetime import UTC

    import rulefiles
    from api.accounts import seed_offices
    from api.world import Said
    from commands.shared import database_here, running_settings
    from settings import settings_here

    _check_said(reason, source)
    book = rulefiles.read_rules(settings_here().rules_dir)
    said = Said(by, "", reason.strip(), source.strip())
    with _refusals_in_words(), database_here() as database:
        with transaction(database, system("command")) as connection:
            seed_offices(connection, book)
            written = write(connection, book, said, datetime.now(UTC))
        told = asyncio.run(_start(running_settings(), [fact.id for fact in written]))
    for fact in written:
        print(
            f"{fact.kind} {fact.subject}: fact {fact.id}, in effect {fact.effective_at:%Y-%m-%d %H:%M} UTC"
        )
    print(
        "Open cases are being told."
        if told
        else "The engine is away; cases are told when it is back."
    )


def _check_said(reason: str, source: str) -> None:
    from commands.shared import fail

    if not reason.strip() or not source.strip():
        raise fail("Say why (--reason) and where it is known from (--source).", 2)


async def _start(settings: object, fact_ids: Sequence[str]) -> bool:
    from engine.broadcasts import start_broadcast
    from engine.connection import connect
    from engine.errors import EngineAway
    from settings import Settings

    assert isinstance(settings, Settings)  # noqa: S101 - imported late, like everything here
    try:
        client = await connect(settings)
        for fact_id in fact_ids:
            await start_broadcast(client, settings.task_queue, fact_id)
    except (RuntimeError, EngineAway):
        return False
    return True


# -- crossings


@crossing.command("list")
def crossing_list() -> None:
    """Every crossing of the rules, and whether it is open."""
    import rulefiles
    from api.world import status_of
    from commands.shared import database_here
    from domain.rules.crossings import registered_crossings
    from settings import settings_here

    book = rulefiles.read_rules(settings_here().rules_dir)
    with database_here() as database, transaction(database, system("command")) as connection:
        for one in registered_crossings(book).values():
            print(f"{one.id}: {status_of(connection, one.id)}, {one.hours}, {one.name}")


@crossing.command("close")
def crossing_close(crossing_id: str, reason: Reason, source: Source, by: By = ADMIN) -> None:
    """Shut a crossing: whoever is planned over it goes back to planning."""
    _change(crossing_id, "closed", reason, source, by)


@crossing.command("open")
def crossing_open(crossing_id: str, reason: Reason, source: Source, by: By = ADMIN) -> None:
    """Open a crossing again."""
    _change(crossing_id, "open", reason, source, by)


def _change(crossing_id: str, status: str, reason: str, source: str, by: str) -> None:
    from api.world import change_crossing

    _say(
        reason,
        source,
        by,
        lambda c, book, said, at: [change_crossing(c, book, crossing_id, status, said, at)],
    )


# -- calendars


@calendar.command("declare")
def calendar_declare(
    country: str,
    reason: Reason = "",
    source: Source = "",
    off: Annotated[list[str] | None, typer.Option(help="a day off, as 2026-12-02")] = None,
    on: Annotated[list[str] | None, typer.Option(help="a day of a weekend that is worked")] = None,
    anew: Annotated[bool, typer.Option(help="these are all the days there are")] = False,
    by: By = ADMIN,
    dry_run: DryRun = False,
) -> None:
    """Say which days are off in a country; open clocks move, and each case records both dates."""
    from api import world_preview
    from api.world import Days, declare_calendar

    days = Days(_days(off), _days(on), anew=anew)
    if dry_run:
        _preview(lambda c, book, now: world_preview.of_calendar(c, book, country, days, now))
        return
    _say(
        reason,
        source,
        by,
        lambda c, book, said, at: [declare_calendar(c, book, country, days, said, at)],
    )


def _days(typed: list[str] | None) -> tuple[date, ...]:
    from commands.shared import fail

    try:
        return tuple(date.fromisoformat(day) for day in typed or ())
    except ValueError:
        raise fail("A day is written as 2026-12-02.", 2) from None


def _preview(ask: Callable[[Connection, Rulebook, datetime], Summary]) -> None:
    """Say what would move: each open clock, and how many in all."""
    from datetime import UTC

    import rulefiles
    from commands.shared import database_here
    from settings import settings_here

    book = rulefiles.read_rules(settings_here().rules_dir)
    with (
        _refusals_in_words(),
        database_here() as database,
        transaction(database, system("command")) as connection,
    ):
        found = ask(connection, book, datetime.now(UTC).replace(microsecond=0))
    for line in found.lines:
        print(f"{line.reference} {line.title}: {_moment(line.old)} -> {_moment(line.new)}")
    for word, counted in (("vanish", found.vanished), ("begin", found.begun)):
        for step, count in sorted(counted.items()):
            print(f"{step} would {word} in {count} case(s)")
    print(f"{found.dates_moved} due date(s) of {found.cases_moved} case(s) would move.")
    if found.looked_into < found.concerned:
        print(f"SeenCase into {found.looked_into} of {found.concerned} open cases.")


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M %z}" if at is not None else "no date"


# -- posts


@post.command("list")
def post_list(office: str) -> None:
    """Who held, holds and will hold the posts of an office, the newest first."""
    from commands.shared import database_here
    from records import posts

    with database_here() as database, transaction(database, system("command")) as connection:
        found = posts.terms_of(connection, office)
    for term in found:
        print(f"{term.post}: {term.holder}, from {_moment(term.since)} until {_until(term.until)}")
    if not found:
        print(f"Nobody ever held a post of {office}.")


def _until(at: datetime | None) -> str:
    return _moment(at) if at is not None else "no end is known"


@post.command("appoint")
def post_appoint(
    office: str,
    holder: Annotated[str, typer.Option(help="a user")],
    reason: Reason,
    source: Source,
    post_: Annotated[str, typer.Option("--post", help="head or deputy")] = "head",
    role: Annotated[str, typer.Option(help="a role of access.toml; default: the last one")] = "",
    since: Annotated[str, typer.Option(help="with its offset; default: now")] = "",
    until: Annotated[str, typer.Option(help="with its offset; default: no end")] = "",
    by: By = ADMIN,
) -> None:
    """Let somebody hold a post: access of whoever held it ends at that moment."""
    _appoint(office, post_, reason, source, by, holder=holder, role=role, since=since, until=until)


@post.command("vacate")
def post_vacate(
    office: str,
    reason: Reason,
    source: Source,
    post_: Annotated[str, typer.Option("--post", help="head or deputy")] = "head",
    since: Annotated[str, typer.Option(help="with its offset; default: now")] = "",
    by: By = ADMIN,
) -> None:
    """Let nobody hold a post: the deputy acts; duties stay with the office."""
    _appoint(office, post_, reason, source, by, since=since)


def _appoint(
    office: str,
    post_: str,
    reason: str,
    source: str,
    by: str,
    *,
    holder: str = "",
    role: str = "",
    since: str = "",
    until: str = "",
) -> None:
    from api.world import Appointment, appoint
    from commands.shared import fail
    from records.posts import POSTS

    if post_ not in POSTS:
        raise fail("A post is head or deputy.", 2)
    new = Appointment(post_, holder, role, _typed(since), _typed(until))
    _say(reason, source, by, lambda c, book, said, at: appoint(c, book, office, new, said, at))


def _typed(moment: str) -> datetime | None:
    from commands.shared import fail

    if not moment:
        return None
    try:
        found = datetime.fromisoformat(moment)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise fail("A moment is written with its offset, as 2026-12-02T09:00+07:00.", 2)
    return found


# -- rules


def rules_adopt(
    corridor: str,
    reason: Reason = "",
    source: Source = "",
    by: By = ADMIN,
    dry_run: DryRun = False,
) -> None:
    """Let every open case of a corridor follow the present rules; what is done stays."""
    from api import world_preview
    from api.app import ready_plans
    from api.deps import ActiveProcedure
    from api.world import adopt_rules
    from commands.shared import fail

    def ready(book: Rulebook) -> ActiveProcedure:
        if corridor not in book.corridors:
            raise fail(
                f"There is no corridor {corridor}; there are {', '.join(book.corridors)}.", 2
            )
        return ready_plans(book)[corridor]

    if dry_run:
        _preview(lambda c, book, now: world_preview.of_rules(c, ready(book), now))
        return
    _say(reason, source, by, lambda c, book, said, at: [adopt_rules(c, ready(book), said, at)])


# -- who was told


@facts.command("show")
def world_show() -> None:
    """The newest facts, and how far each is."""
    from commands.shared import database_here
    from records import broadcasts, world

    with database_here() as database, transaction(database, system("command")) as connection:
        found = world.page(connection, SHOWN).items
        told = broadcasts.told(connection, found)
    for fact in found:
        far = told[fact.id]
        print(
            f"{fact.effective_at:%Y-%m-%d %H:%M} {fact.kind} {fact.subject} {fact.state}: "
            f"{far.done} of {far.concerned} told, {far.refused} refused, {far.ended} ended, "
            f"{far.failed} without answer"
        )
    if not found:
        print("Nothing was said of the world yet.")
