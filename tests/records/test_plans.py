import pytest
from sqlalchemy import Connection

from records import plans
from tests.builders import a_plan
from workflows.encoding import plan_digest


def test_it_finds_every_plan_of_a_case_while_its_memory_is_full(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {plan_digest(plan): plan for plan in (a_plan(version=f"test {n}") for n in range(3))}
    for digest, plan in told.items():
        plans.keep(connection, plan, digest)
    monkeypatch.setattr(plans, "_read", {})
    monkeypatch.setattr(plans, "_MOST_IN_MEMORY", 2)
    for digest, plan in told.items():  # this one is known then, the others must be read
        assert plans.of(connection, [digest]) == {digest: plan}
        assert plans.of(connection, told) == told
