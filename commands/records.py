"""The ledger and its folds: verified, compared, made anew, swept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from commands.shared import database_here, running_settings
from records.session import system, transaction

if TYPE_CHECKING:
    from sqlalchemy import Connection


app = typer.Typer()
audit = typer.Typer(help="The ledger of what happened.")


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


def _named(connection: Connection, case_id: str) -> str:
    """A case by its id, and by the reference that people know."""
    from records import subjects

    known = subjects.find(connection, case_id)
    return f"{case_id} ({known.reference})" if known else case_id
