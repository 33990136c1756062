"""The whole API against its own published schema, with requests nobody thought of."""

import os
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.core.result import Ok

from api.app import create_app
from settings import Settings
from tests.api.conftest import Running

EXAMPLES = int(os.environ.get("HOMEWARD_SCHEMA_EXAMPLES", "5"))
SCHEMA = schemathesis.openapi.from_dict(
    create_app(Settings(database_url="postgresql://nowhere/nothing", rehearsal=True)).openapi()
)
OPERATIONS = {
    f"{found.ok().method.upper()} {found.ok().path}": found.ok()
    for found in SCHEMA.get_all_operations()
    if isinstance(found, Ok)
}


def test_it_describes_every_operation_so_that_it_can_be_tried() -> None:
    assert len(OPERATIONS) == len(list(SCHEMA.get_all_operations()))


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_it_keeps_to_its_published_schema(api: Running, name: str) -> None:
    who = "root" if "tokens" in name else "mali"
    headers = {"Authorization": f"Bearer {api.tokens[who]}"}

    @given(case=OPERATIONS[name].as_strategy())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Any) -> None:
        case.call_and_validate(base_url=api.url, headers=headers)

    ask()
