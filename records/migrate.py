"""Brings a database to the present tables. Never called while serving: the owner runs it first."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config

from records.session import make_engine, system, transaction

MIGRATIONS = Path(__file__).resolve().parent / "migrations"
MIGRATION_MS = 60_000
# Any number that nothing else in the database uses: two processes that start at once take turns.
ONE_AT_A_TIME = 7_046_912


def upgrade(url: str, revision: str = "head") -> None:
    """Apply every migration up to `revision`; one applied before is passed over."""
    _run(url, revision, down=False)


def downgrade(url: str, revision: str = "base") -> None:
    """Take migrations back; the ledger goes with the first one, so this is for tests."""
    _run(url, revision, down=True)


def configuration() -> Config:
    """Alembic's settings; there is no file, so nothing is read from the current folder."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(year)d-%%(month).2d-%%(day).2d_%%(slug)s")
    return config


def _run(url: str, revision: str, *, down: bool) -> None:
    engine = make_engine(url, pool_size=1, statement_timeout_ms=MIGRATION_MS)
    try:
        with transaction(engine, system("migrate")) as connection:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ONE_AT_A_TIME})")
            config = configuration()
            config.attributes["connection"] = connection
            move = command.downgrade if down else command.upgrade
            move(config, revision)
    finally:
        engine.dispose()
