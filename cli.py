"""`homeward`: the commands of people who run or write rules for an installation.

The commands stand in `commands/`, one file for each noun.
"""

from __future__ import annotations

import atexit
import os
import sys
from typing import NoReturn

import typer

from commands import accounts, editions, local, records, rules, world
from story.cli import app as story

app = typer.Typer(help="Homeward: returns home, kept moving.", no_args_is_help=True)
app.add_typer(local.app)
app.add_typer(rules.rules, name="rules")
app.add_typer(story, name="story")
app.add_typer(accounts.user, name="user")
app.add_typer(accounts.token, name="token")
app.add_typer(records.app)
app.add_typer(records.audit, name="audit")
app.add_typer(editions.edition, name="edition")
world.mount(app, rules.rules)


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
