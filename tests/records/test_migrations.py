import pytest
from alembic import command
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from records.migrate import configuration, downgrade, upgrade
from records.session import make_engine
from records.tables import metadata


def test_it_goes_down_and_up_again(each_postgres_url: str) -> None:
    downgrade(each_postgres_url)
    engine = make_engine(each_postgres_url)
    assert inspect(engine).get_table_names() == ["alembic_version"]
    upgrade(each_postgres_url)
    assert set(inspect(engine).get_table_names()) == {*metadata.tables, "alembic_version"}
    engine.dispose()


def test_it_says_the_same_as_the_tables(each_postgres_url: str) -> None:
    engine = make_engine(each_postgres_url)
    with engine.begin() as connection:
        config = configuration()
        config.attributes["connection"] = connection
        command.check(config)
    engine.dispose()


def test_it_may_be_applied_twice(postgres_url: str) -> None:
    upgrade(postgres_url)
    engine = make_engine(postgres_url)
    newest = ScriptDirectory.from_config(configuration()).get_current_head()
    with engine.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == newest
    engine.dispose()


def test_it_needs_no_extension(postgres_url: str) -> None:
    engine = make_engine(postgres_url)
    with engine.connect() as connection:
        names = connection.scalars(text("SELECT extname FROM pg_extension")).all()
    engine.dispose()
    assert names == ["plpgsql"]


@pytest.mark.parametrize("table", sorted(metadata.tables))
def test_it_keeps_every_moment_with_its_zone(postgres_url: str, table: str) -> None:
    engine = make_engine(postgres_url)
    kinds = {str(column["type"]): column for column in inspect(engine).get_columns(table)}
    engine.dispose()
    assert "TIMESTAMP" not in kinds or kinds["TIMESTAMP"]["type"].timezone is True  # type: ignore[attr-defined]
