"""Running Homeward on one machine, and the tables of its database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from commands.shared import database_here, fail

if TYPE_CHECKING:
    pass

app = typer.Typer()


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
