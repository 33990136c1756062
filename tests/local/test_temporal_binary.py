import subprocess
from pathlib import Path

import pytest

from local import temporal_binary, temporal_build
from local.errors import NoServer
from local.temporal_binary import find_temporal, is_new_enough, server_version
from local.temporal_build import CLI_VERSION, go_version


def a_program(file: Path, says: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\necho '{says}'\n")
    file.chmod(0o755)
    return file


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with an empty PATH and an empty cache, where nothing outside answers."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("HOMEWARD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(temporal_binary, "DOWNLOAD_HOST", "no-such-host.invalid")
    return tmp_path


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        ("temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)", (1, 32, 0)),
        ("temporal version 0.0.0-DEV (Server 1.32.0, UI 2.54.1)", (1, 32, 0)),
        ("temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)", (1, 29, 1)),
        ("temporal version 2.0.0 (Server v10.4.11-rc.1, UI 3.0.0)", (10, 4, 11)),
        ("tctl version 1.18.0", None),
        ("", None),
    ],
)
def test_it_reads_the_servers_version_and_not_the_programs(
    answer: str, version: tuple[int, int, int] | None
) -> None:
    assert server_version(answer) == version


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("go version go1.27 linux/arm64", (1, 27, 0)),
        ("go version go1.27rc1 linux/arm64", (1, 27, 0)),
        ("go version devel +abc", (0, 0, 0)),
    ],
)
def test_it_reads_the_version_of_go(answer: str, version: tuple[int, int, int]) -> None:
    assert go_version(answer) == version


def test_it_takes_a_new_enough_temporal_from_path(bare_machine: Path) -> None:
    ours = a_program(
        bare_machine / "bin" / "temporal", "temporal version 9.9.9 (Server 1.40.2, UI 3)"
    )
    assert find_temporal() == ours


def test_it_passes_over_an_old_temporal_on_path_for_the_cached_one(bare_machine: Path) -> None:
    a_program(bare_machine / "bin" / "temporal", "temporal version 1.5.1 (Server 1.29.1, UI 2)")
    cached = a_program(
        bare_machine / "cache" / "bin" / f"temporal-{CLI_VERSION}", "(Server 1.32.0, UI 2)"
    )
    assert find_temporal() == cached


def test_it_does_not_trust_a_program_that_cannot_run(tmp_path: Path) -> None:
    broken = tmp_path / "temporal"
    broken.write_text("not a program")
    broken.chmod(0o755)
    assert not is_new_enough(broken)


def test_it_says_in_one_sentence_that_there_is_no_way_and_leaves_no_draft(
    bare_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_program(bare_machine / "bin" / "temporal", "temporal version 1.5.1 (Server 1.29.1, UI 2)")
    monkeypatch.setattr(temporal_build, "machine_go", lambda: None)
    monkeypatch.setattr(temporal_build, "SOURCE", bare_machine)  # without its lock file: no Go
    with pytest.raises(NoServer) as caught:
        find_temporal(lambda _: None)
    sentence = str(caught.value)
    assert "older than 1.32.0" in sentence
    assert "cannot be reached" in sentence
    assert "fetching Go failed" in sentence
    assert "TEMPORAL_ADDRESS" in sentence
    assert "\n" not in sentence
    left = {file.name for file in (bare_machine / "cache").rglob("*")}
    assert left == {"bin", "lock"}


def test_it_ends_with_one_sentence_and_exit_code_1_when_started_by_make(
    tmp_path: Path,
) -> None:
    """The whole command, with a cache folder that cannot be made."""
    (tmp_path / "file").write_text("")
    run = subprocess.run(
        [".venv/bin/python", "-m", "local", "ready"],
        check=False,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "HOMEWARD_CACHE": str(tmp_path / "file" / "cache")},
    )
    assert run.returncode == 1
    assert run.stderr.startswith("No Temporal server could be found or made: ")
    assert run.stderr.count("\n") == 1


def test_it_refuses_a_go_that_is_too_old_for_the_pinned_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_program(tmp_path / "go", "go version go1.19.8 linux/amd64")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert temporal_build.machine_go() is None
    a_program(tmp_path / "go", "go version go1.26.8 linux/amd64")
    assert temporal_build.machine_go() == tmp_path / "go"
