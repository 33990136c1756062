import os
import stat
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from local import postgres_folder
from local.postgres import (
    RunningPostgres,
    clone_database,
    drop_database,
    make_database,
    remove_postgres,
    start_postgres,
)

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user's folder")


@pytest.fixture
def folder(server_folder: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    own = server_folder / f"{abs(hash(request.node.name)):x}"
    yield own
    remove_postgres(own)


def plain(url: str) -> str:
    return url.replace("+psycopg", "")


def one(url: str, statement: str) -> object:
    with psycopg.connect(plain(url), connect_timeout=3) as connection:
        row = connection.execute(statement.encode()).fetchone()
    return row[0] if row else None


def quiet(_: str) -> None:
    """Say nothing."""


def test_it_keeps_data_over_a_stop_and_a_crash(folder: Path) -> None:
    with start_postgres(folder, say=quiet) as server:
        url = make_database(server.url, "kept")
        with psycopg.connect(plain(url)) as connection:
            connection.execute("CREATE TABLE t (n int)")
            connection.execute("INSERT INTO t VALUES (7)")
        server.kill()
        server.restart()
        assert one(url, "SELECT n FROM t") == 7
    with start_postgres(folder, say=quiet) as again:
        assert one(again.url_of("kept"), "SELECT n FROM t") == 7


def test_it_makes_a_database_once_clones_and_drops_it(folder: Path) -> None:
    with start_postgres(folder, durable=False, say=quiet) as server:
        first = make_database(server.url, "template_x")
        with psycopg.connect(plain(first)) as connection:
            connection.execute("CREATE TABLE t AS SELECT 5 AS n")
        assert make_database(server.url, "template_x") == first
        clone = clone_database(server.url, "template_x", "clone_x")
        assert one(clone, "SELECT n FROM t") == 5
        drop_database(server.url, "clone_x")
        drop_database(server.url, "clone_x")
        assert one(server.url, "SELECT count(*) FROM pg_database WHERE datname = 'clone_x'") == 0


def test_it_joins_a_server_that_already_runs_and_leaves_it_running(folder: Path) -> None:
    with start_postgres(folder, say=quiet) as server:
        second = start_postgres(folder, say=quiet)
        assert second.url == server.url
        assert second.pid is None
        second.stop()
        assert one(server.url, "SELECT 1") == 1


def test_it_hangs_while_frozen_and_goes_on_afterwards(folder: Path) -> None:
    with start_postgres(folder, say=quiet) as server:
        server.freeze()
        with pytest.raises(psycopg.OperationalError):
            one(server.url, "SELECT 1")
        server.thaw()
        assert one(server.url, "SELECT 1") == 1


def test_it_speaks_utc_and_sorts_by_letter_whatever_the_machine_speaks(folder: Path) -> None:
    with start_postgres(folder, say=quiet) as server:
        assert one(server.url, "SHOW timezone") == "UTC"
        assert one(server.url, "SELECT upper('é') || ('B' < 'a')::text") == "Étrue"


def test_it_runs_the_distributions_postgresql_just_as_well(
    folder: Path, debian_programs: Path
) -> None:
    with start_postgres(folder, programs=debian_programs, say=quiet) as server:
        version = one(server.url, "SHOW server_version")
        assert str(version).split(".")[0] == debian_programs.parent.name
        assert one(server.url, "SELECT upper('é') || ('B' < 'a')::text") == "Étrue"


def test_it_listens_on_no_network(folder: Path) -> None:
    with start_postgres(folder, say=quiet) as server:
        assert server.pid is not None
        assert psutil.Process(server.pid).net_connections("inet") == []


def test_it_stops_and_removes_everything_whoever_started_it(folder: Path) -> None:
    server = start_postgres(folder, say=quiet)
    pid = server.pid
    assert pid is not None
    assert server.folder is not None
    remove_postgres(folder)
    server.stop()
    assert not psutil.pid_exists(pid)
    assert not server.folder.exists()


def test_it_lets_nobody_else_into_the_data(folder: Path) -> None:
    with start_postgres(folder, say=quiet) as server:
        assert server.folder is not None
        assert stat.S_IMODE(server.folder.stat().st_mode) == 0o700


def test_it_shortens_the_way_to_a_socket_that_the_kernel_could_not_take(
    server_folder: Path,
) -> None:
    deep = server_folder.joinpath(*["very-long-folder-name"] * 5) / "data"
    try:
        with start_postgres(deep, say=quiet) as server:
            assert one(server.url, "SELECT 1") == 1
            assert str(deep) not in server.url
    finally:
        remove_postgres(deep)


@as_root
def test_it_opens_no_folder_of_roots_and_says_where_the_data_is(server_folder: Path) -> None:
    home = server_folder / "private"
    home.mkdir(mode=0o700)
    said: list[str] = []
    try:
        with start_postgres(home / ".homeward" / "postgresql", say=said.append) as server:
            assert one(server.url, "SELECT 1") == 1
            assert server.folder is not None
            assert server.folder.is_relative_to(postgres_folder.OUTSIDE)
            assert str(server.folder) in said[-1]
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
    finally:
        remove_postgres(home / ".homeward" / "postgresql")
    assert not postgres_folder.outside(home / ".homeward" / "postgresql").exists()


@as_root
def test_it_runs_copied_programs_when_the_installed_ones_may_not_be_entered(
    server_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = server_folder / "hidden"
    home.mkdir(mode=0o700)
    programs = postgres_folder.installed_programs()
    (home / "site").symlink_to(programs.parents[2])
    hidden = home / "site" / programs.relative_to(programs.parents[2])
    monkeypatch.setattr(postgres_folder, "installed_programs", lambda: hidden)
    try:
        with start_postgres(home / "data", say=quiet) as server:
            assert one(server.url, "SELECT 1") == 1
    finally:
        remove_postgres(home / "data")


def test_it_has_an_address_for_each_database() -> None:
    server = RunningPostgres(
        url="postgresql+psycopg://u:p%40ss@db.example:5433/postgres?sslmode=require"
    )
    assert server.url_of("x") == "postgresql+psycopg://u:p%40ss@db.example:5433/x?sslmode=require"
