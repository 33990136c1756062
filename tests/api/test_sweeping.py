"""The API sweeps by itself: words of acts that never happened do not stay for ever."""

import time
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from records import private_texts
from tests.api.conftest import Running, Serving

KEY = b"k" * 32


def test_it_sweeps_when_it_starts_and_leaves_what_was_said(api: Running) -> None:
    case = api.at_placement()["case"]
    assert api.thida.do(f"/tasks/{case}/placement/note", {"note": "said"}).status_code == 200
    now = datetime.now(UTC)
    with api.database.begin() as connection:
        for hours in (1, 48):
            private_texts.keep(connection, KEY, case, f"lost {hours}", now - timedelta(hours=hours))
        moved = (
            "UPDATE private_texts SET written_at = :old WHERE subject_id = :case AND body = 'said'"
        )
        connection.execute(text(moved), {"old": now - timedelta(hours=48), "case": case})

    def kept() -> set[str]:
        query = text("SELECT body FROM private_texts WHERE subject_id = :case")
        with api.database.begin() as connection:
            return set(connection.scalars(query, {"case": case}))

    assert kept() == {"said", "lost 1", "lost 48"}
    with Serving(api.settings, with_worker=False):  # another process on the same database
        for _ in range(100):
            if "lost 48" not in kept():
                break
            time.sleep(0.1)
    assert kept() == {"said", "lost 1"}
