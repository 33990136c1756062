from sqlalchemy import Connection, text

from records import reconcile
from records.reconcile import Position
from tests.builders import ANSWERED_AND_CLOSED, STALLED, Life, a_life
from tests.records.writing import write


def what(found: list[reconcile.Difference]) -> dict[str, str]:
    return {difference.subject_id: difference.what for difference in found}


def position(life: Life) -> Position:
    return Position(life.case.version, life.case.state)


def test_it_is_content_when_both_say_the_same(connection: Connection) -> None:
    running, closed = a_life(*STALLED), a_life(*ANSWERED_AND_CLOSED)
    write(connection, running, closed)
    ledger = reconcile.kept(connection)
    assert reconcile.compare(ledger, {running.case.id: position(running)}) == []


def test_it_names_each_difference(connection: Connection) -> None:
    lost, behind, ahead, other = (a_life(*STALLED) for _ in range(4))
    write(connection, lost, behind, ahead, other)
    version = lost.case.version
    stranger = "00000000-0000-0000-0000-000000000000"
    engine = {
        behind.case.id: Position(version - 1, "open"),
        ahead.case.id: Position(version + 1, "open"),
        other.case.id: Position(version, "on_hold"),
        stranger: Position(1, "open"),
    }
    told = what(reconcile.compare(reconcile.kept(connection), engine))
    assert "does not run in the engine" in told[lost.case.id]
    assert "behind the ledger" in told[behind.case.id]
    assert "ahead of the ledger" in told[ahead.case.id]
    assert "on_hold in the engine" in told[other.case.id]
    assert "ledger does not know it" in told[stranger]


def test_it_names_rows_that_do_not_stand_where_the_ledger_does(connection: Connection) -> None:
    life = a_life(*STALLED)
    write(connection, life)
    connection.execute(text("UPDATE states SET version = version - 1"))
    engine = {life.case.id: position(life)}
    told = what(reconcile.compare(reconcile.kept(connection), engine))
    assert "reproject" in told[life.case.id]
