"""`homeward`: the commands of people who run or write rules for an installation.

Each command imports what it needs when it is called, so that `rules check` needs no server.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from records.session import system, transaction

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from settings import Settings

app = typer.Typer(help="Homeward: returns home, kept moving.", no_args_is_help=True)
rules = typer.Typer(help="The rules: what must be done, by whom, in what time.")
user = typer.Typer(help="People who sign in.")
token = typer.Typer(help="Tokens of programs that use the API.")
audit = typer.Typer(help="The ledger of what happened.")
edition = typer.Typer(help="How cases behave: each as its edition says, until it is moved.")
app.add_typer(rules, name="rules")
app.add_typer(user, name="user")
app.add_typer(token, name="token")
app.add_typer(audit, name="audit")
app.add_typer(edition, name="edition")

RULES = Path(__file__).parent / "rules"
Folder = Annotated[Path, typer.Option(help="the folder of rules")]


def _mount_others() -> None:
    import cli_world
    from story.cli import app as story

    app.add_typer(story, name="story")
    cli_world.mount(app, rules)


_mount_others()


def fail(sentence: str, code: int = 1) -> typer.Exit:
    """Say what is wrong; what is returned ends the command."""
    print(sentence, file=sys.stderr)
    return typer.Exit(code)


@contextmanager
def database_here() -> Iterator[Engine]:
    """The database of the settings, or of the system that runs from this data folder."""
    from local.errors import NoServer
    from local.postgres import postgres_for
    from local.stack import running
    from records.session import make_engine
    from settings import settings_here

    settings = settings_here()
    found = running(settings)
    try:
        if settings.database_url or found is None:
            with postgres_for(settings) as server:
                yield make_engine(server.url, statement_timeout_ms=600_000)
        else:
            yield make_engine(found.database_url, statement_timeout_ms=600_000)
    except NoServer as reason:
        raise fail(str(reason)) from None


# -- running


@app.command()
def demo() -> None:
    """Set everything up, play two returns through the API, leave the system running."""
    from demo.play import main
    from local.errors import NoServer

    try:
        main()
    except NoServer as reason:
        raise fail(str(reason)) from None


@app.command()
def up() -> None:
    """Run everything on this machine until Ctrl-C: PostgreSQL, Temporal, worker, API."""
    from local.errors import NoServer
    from local.stack import running, serve
    from settings import settings_here

    settings = settings_here()
    found = running(settings)
    if found is not None:
        raise fail(f"Homeward runs already, at {found.url}")
    try:
        serve(settings)
    except NoServer as reason:
        raise fail(str(reason)) from None


@app.command()
def stop() -> None:
    """Stop what runs from this data folder; its data stay."""
    from local.stack import end
    from settings import settings_here

    print("Stopped; the data stay." if end(settings_here()) else "Nothing runs from here.")


@app.command()
def migrate() -> None:
    """Bring the database to this version's shape."""
    from records.migrate import upgrade

    with database_here() as database:
        upgrade(database.url.render_as_string(hide_password=False))
    print("The database has this version's shape.")


# -- rules


@rules.command("check")
def rules_check(folder: Folder = RULES) -> None:
    """Say in plain sentences what is wrong with the rules; exit 1 if anything is."""
    import rulefiles

    if not folder.is_dir():
        raise fail(f"There is no folder {folder}", 2)
    problems = rulefiles.check(folder)
    for problem in problems:
        print(problem)
    if problems:
        raise fail(f"{len(problems)} thing(s) to put right.")
    corridors = ", ".join(rulefiles.read_rules(folder).corridors)
    print(f"The rules are in order: {corridors}.")


@rules.command("show")
def rules_show(corridor: str, folder: Folder = RULES) -> None:
    """Print the plan of a corridor as a person would draw it."""
    import rulefiles
    from domain.rules.book import RulesWrong, procedure_for
    from domain.rules.show import show

    book = rulefiles.read_rules(folder)
    if corridor not in book.corridors:
        raise fail(f"There is no corridor {corridor}; there are {', '.join(book.corridors)}.", 2)
    try:
        print(show(procedure_for(book, corridor)))
    except RulesWrong as wrong:
        raise fail(str(wrong)) from None


# -- who may sign in


@user.command("add")
def user_add(
    user_id: str,
    name: Annotated[str, typer.Option(help="how the person is shown")],
    office: Annotated[str, typer.Option(help="an office of the register")],
    role: Annotated[str, typer.Option(help="a role of access.toml, as coordinator")],
) -> None:
    """Add a person to an office; asks for a password. The first to join holds the post."""
    password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    from datetime import UTC, datetime

    import rulefiles
    from api.accounts import AccountWrong, add_user, seed_offices
    from settings import settings_here

    book = rulefiles.read_rules(settings_here().rules_dir)
    try:
        with database_here() as database, transaction(database, system("command")) as connection:
            seed_offices(connection, book)
            add_user(
                connection,
                book,
                user_id=user_id,
                name=name,
                office=office,
                role=role,
                at=datetime.now(UTC),
                password=password,
            )
    except AccountWrong as wrong:
        raise fail(str(wrong)) from None
    print(f"{user_id} works in {office} as {role}.")


@token.command("new")
def token_new(
    user_id: str,
    office: Annotated[str, typer.Option(help="one of the user's offices")],
    days: Annotated[int, typer.Option(help="how long it counts")] = 90,
    label: Annotated[str, typer.Option(help="what it is for")] = "",
) -> None:
    """Make a token for the API. It is shown once and kept nowhere."""
    from datetime import UTC, datetime

    from api.accounts import AccountWrong, make_token

    try:
        with database_here() as database, transaction(database, system("command")) as connection:
            issued = make_token(
                connection,
                user_id=user_id,
                office=office,
                at=datetime.now(UTC),
                days=days,
                label=label,
            )
    except AccountWrong as wrong:
        raise fail(str(wrong)) from None
    print(issued.token)


@token.command("revoke")
def token_revoke(prefix: str) -> None:
    """End a token at once."""
    from datetime import UTC, datetime

    from records import tokens

    with database_here() as database, transaction(database, system("command")) as connection:
        revoked = tokens.revoke(connection, prefix, datetime.now(UTC))
    if not revoked:
        raise fail("There is no such token, or it was ended before.")
    print("Revoked.")


# -- the ledger


@app.command()
def reproject() -> None:
    """Make every list and case row anew from the ledger; exit 1 if a ledger was changed by hand."""
    from records.reproject import reproject_all

    with database_here() as database:
        made = reproject_all(database)
        with transaction(database, system("command")) as connection:
            for finding in made.wrong:
                print(f"{_named(connection, finding.subject_id)} {finding.in_words()}")
    print(f"{made.subjects} case(s) folded again from the ledger.")
    if made.wrong:
        left = len({finding.subject_id for finding in made.wrong})
        print(f"{left} case(s) left as they are: the ledger was changed by hand.")
        raise typer.Exit(1)


@app.command()
def reconcile() -> None:
    """Compare the ledger with its rows and with what the engine runs; exit 1 on any difference."""
    import asyncio

    from engine.upkeep import compare_with_engine

    with database_here() as database:
        found = asyncio.run(compare_with_engine(database, running_settings()))
        with transaction(database, system("command")) as connection:
            for difference in found:
                print(f"{_named(connection, difference.subject_id)} {difference.what}")
    if found:
        raise typer.Exit(1)
    print("Ledger, rows and engine agree.")


@app.command()
def recover(
    discard: Annotated[
        bool, typer.Option(help="give up what the engine knows and the ledger does not")
    ] = False,
) -> None:
    """Let every open case go on as the ledger says; exit 1 if one needs a person."""
    import asyncio

    from engine.runs import LEFT_ALONE, Recovery
    from engine.upkeep import recover_subjects

    with database_here() as database:
        recovered = asyncio.run(recover_subjects(database, running_settings(), discard=discard))
        with transaction(database, system("command")) as connection:
            for case_id, became in recovered.done.items():
                print(f"{_named(connection, case_id)} {became.value}")
            for case_id in recovered.silent:
                print(f"{_named(connection, case_id)} gives no answer; is a worker running?")
    again = recovered.count(Recovery.STARTED, Recovery.RENEWED)
    print(f"{again} case(s) started again from the ledger.")
    if recovered.silent or recovered.count(*LEFT_ALONE):
        raise typer.Exit(1)


@app.command()
def sweep() -> None:
    """Remove the words of acts that never happened, and records of reports that became no case.

    Those of a case that gives no answer stay.
    """
    import asyncio
    from datetime import UTC, datetime, timedelta

    from engine.sweeping import sweep_texts_of

    settings = running_settings()
    before = datetime.now(UTC) - timedelta(hours=settings.sweep_after_hours)
    with database_here() as database:
        swept = asyncio.run(sweep_texts_of(database, settings, before))
    print(f"{swept.gone} text(s) that nothing names were removed.")
    if swept.reports:
        print(f"{swept.reports} record(s) of first reports that became no case were removed.")
    if swept.left:
        print(f"{swept.left} text(s) stay: their cases do not run, or are not level yet.")


@audit.command("verify")
def audit_verify() -> None:
    """Find ledger rows that were changed, removed or put in another order; exit 1 if there are.

    People see such a case on the stalled list until its ledger is whole again.
    """
    from datetime import UTC, datetime

    from records import alarms, ledger

    wrong: dict[str, ledger.Finding] = {}  # by case, the first
    with database_here() as database:
        with transaction(database, system("command")) as connection:
            cases = ledger.verified_ids(connection)
            for case_id in cases:
                for finding in ledger.verify(connection, case_id):
                    wrong.setdefault(case_id, finding)
                    print(f"{_named(connection, case_id)} {finding.in_words()}", flush=True)
        with transaction(database, system("command")) as connection:
            now = datetime.now(UTC).replace(microsecond=0)
            for finding in wrong.values():
                alarms.broken(connection, finding, now)
            alarms.mended(connection, wrong, now)
    if wrong:
        raise typer.Exit(1)
    print(f"The chains of {len(cases)} case(s) hold.")


# -- editions


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


def _named(connection: Connection, case_id: str) -> str:
    """A case by its id, and by the reference that people know."""
    from records import subjects

    known = subjects.find(connection, case_id)
    return f"{case_id} ({known.reference})" if known else case_id


def running_settings() -> Settings:
    """The settings, with the addresses of the system that runs from this data folder."""
    from local.stack import running
    from settings import settings_here

    settings = settings_here()
    found = running(settings)
    if found is None or settings.temporal_address:
        return settings
    return settings.model_copy(update={"temporal_address": found.temporal_address})


def main() -> None:
    """Run a command, and leave without waiting for threads of the Temporal SDK.

    They may still hold Python objects when Python ends, and then the usual way out crashes.
    """
    try:
        app()
    except SystemExit as end:
        _leave(end.code if isinstance(end.code, int) else int(end.code is not None))
    except Exception as wrong:
        away = _who_is_away(wrong)
        if not away:
            raise
        print(f"{away} does not answer; see docs/operations.md.", file=sys.stderr)
        _leave(1)


def _who_is_away(wrong: Exception) -> str:
    """Which server could not be reached; empty where something else is wrong."""
    from sqlalchemy.exc import OperationalError

    if isinstance(wrong, OperationalError):
        return "The database"
    # What the SDK raises for every server it cannot reach has no type of its own.
    return "Temporal" if str(wrong).startswith("Failed client connect") else ""


def _leave(code: int) -> NoReturn:
    if "temporalio" not in sys.modules:
        sys.exit(code)
    atexit._run_exitfuncs()  # noqa: SLF001 - all that the usual way out would have done
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
