"""Ending a token on the command line: it says what happened, and its code says so, too."""

import os
import subprocess
import sys
from datetime import UTC, datetime

from api.accounts import add_user, make_token, seed_offices
from records.session import make_engine
from rulefiles import read_rules
from settings import PROJECT


def revoke(url: str, prefix: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli", "token", "revoke", prefix],
        cwd=PROJECT,
        env={**os.environ, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_ends_a_token_once_and_fails_where_there_is_none(postgres_url: str) -> None:
    database, at, rulebook = make_engine(postgres_url), datetime.now(UTC), read_rules()
    with database.begin() as connection:
        seed_offices(connection, rulebook)
        add_user(
            connection,
            rulebook,
            user_id="mali",
            name="Mali",
            office="th-ubon-case",
            role="coordinator",
            at=at,
        )
        issued = make_token(connection, user_id="mali", office="th-ubon-case", at=at)
    database.dispose()
    prefix = issued.token.split("_")[1]
    ended = revoke(postgres_url, prefix)
    assert (ended.returncode, ended.stdout) == (0, "Revoked.\n"), ended.stderr
    for unknown in (prefix, "zzz"):
        again = revoke(postgres_url, unknown)
        assert again.returncode == 1
        assert again.stdout == ""
        assert "no such token" in again.stderr
