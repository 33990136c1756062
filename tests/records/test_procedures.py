import pytest
from sqlalchemy import Connection

from records import procedures
from tests.builders import a_procedure
from workflows.encoding import procedure_digest


def test_it_finds_every_plan_of_a_case_while_its_memory_is_full(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {
        procedure_digest(procedure): procedure
        for procedure in (a_procedure(version=f"test {n}") for n in range(3))
    }
    for digest, procedure in told.items():
        procedures.keep(connection, procedure, digest)
    monkeypatch.setattr(procedures, "_read", {})
    monkeypatch.setattr(procedures, "_MOST_IN_MEMORY", 2)
    for digest, procedure in told.items():  # this one is known then, the others must be read
        assert procedures.of(connection, [digest]) == {digest: procedure}
        assert procedures.of(connection, told) == told
