import os
import subprocess
import sys

import pytest

from local.ports import free_port
from settings import PROJECT

ENDS = "import atexit, cli, sys\natexit.register(print, 'put away')\n{}sys.argv = ['homeward', {}]\ncli.main()"
WITH_SDK = "import temporalio.client\n"


@pytest.mark.parametrize("before", ["", WITH_SDK])
@pytest.mark.parametrize(
    ("asked", "code"), [("'rules', 'check'", 0), ("'rules', 'show', 'nowhere'", 2), ("'what'", 2)]
)
def test_it_ends_with_its_code_and_puts_away_what_it_used(
    before: str, asked: str, code: int
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", ENDS.format(before, asked)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == code, ended.stderr
    assert ended.stdout.endswith("put away\n")
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    "command", [("reconcile",), ("recover",), ("reproject",), ("audit", "verify")]
)
def test_it_says_in_one_sentence_that_the_database_is_away(command: tuple[str, ...]) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "cli", *command],
        cwd=PROJECT,
        env={**os.environ, "DATABASE_URL": f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert "does not answer" in ended.stderr
