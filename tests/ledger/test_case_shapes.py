"""A kept case and a snapshot of an older shape are read in the present one, and written in it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Text, cast, select, update

from domain.behaviour import EDITIONS
from domain.case.state import Case
from domain.kinds import CASE
from records import loading
from records.projection import write_one
from records.reproject import reproject
from records.session import make_engine
from records.tables import states
from tests.builders import ANSWERED_AND_CLOSED, STALLED, Life, a_life
from tests.ledger import pasts
from tests.ledger.pasts import FIRST, SECOND, THIRD, older
from tests.ledger.shapes import SAVED, as_folded
from tests.records.writing import admit, batches, every_row
from workflows import encoding
from workflows.encoding import state_from_json, state_from_text, state_to_json
from workflows.state import RunState
from workflows.upcasters import CASES, FIRST_SHAPE, SHAPE, state_shape

OLD = pytest.mark.parametrize("shape", [FIRST, SECOND])


@pytest.fixture
def upcasting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program after two changes of shape."""
    for edition, upcaster in pasts.UPCASTERS.items():
        monkeypatch.setitem(CASES, edition, upcaster)


@pytest.fixture
def connection(postgres_url: str) -> Iterator[Connection]:
    engine = make_engine(postgres_url)
    with engine.begin() as opened:
        yield opened
    engine.dispose()


def procedures_of(case: Case) -> dict[str, Any]:
    return dict(case.procedures)


def kept_text(connection: Connection, life: Life) -> str:
    wanted = select(cast(states.c.state, Text)).where(states.c.subject_id == life.case.id)
    return str(connection.scalar(wanted))


def kept_in(connection: Connection, life: Life, shape: int) -> Case:
    """Write all of a life but its last move; then let its row be of an older shape."""
    admit(connection, life)
    for batch in list(batches(life))[:-1]:
        write_one(connection, batch)
    case: Case | None = loading.folded(connection, life.case.id)
    assert case is not None
    old = older(state_to_json(CASE, case), shape)
    done = connection.execute(
        update(states).where(states.c.subject_id == life.case.id).values(state=old)
    )
    assert done.rowcount == 1
    return case


@OLD
def test_it_reads_a_row_of_an_older_shape_and_writes_on_from_there(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, shape: int
) -> None:
    life = a_life(*ANSWERED_AND_CLOSED)
    before = kept_in(connection, life, shape)
    with pytest.raises(ValueError, match=r"desk|risk|shape"):
        loading.folded(connection, life.case.id)

    for edition, upcaster in pasts.UPCASTERS.items():
        monkeypatch.setitem(CASES, edition, upcaster)
    assert loading.folded(connection, life.case.id) == before
    write_one(connection, list(batches(life))[-1])
    assert loading.folded(connection, life.case.id) == life.case
    assert json.loads(kept_text(connection, life))[SHAPE] == THIRD
    written = every_row(connection)
    reproject(connection)
    assert every_row(connection) == written


@OLD
def test_it_begins_a_run_with_a_snapshot_of_an_older_shape(upcasting: None, shape: int) -> None:
    life = a_life(*STALLED)
    state = RunState(CASE, life.case)
    present = state.snapshot()
    old = older({n: v for n, v in present.state.items() if n != SHAPE}, shape)
    again = RunState.from_snapshot(CASE, type(present)(old, present.procedures))
    assert again.subject == life.case
    assert again.snapshot() == present
    assert present.state[SHAPE] == THIRD


def test_it_writes_a_case_as_before_until_a_shape_changes() -> None:
    case = a_life(*STALLED).case
    assert CASES or SHAPE not in state_to_json(CASE, case)
    assert state_shape("case") == max({FIRST_SHAPE, *CASES})


@pytest.mark.parametrize("changed", [False, True])
def test_it_takes_a_text_of_the_present_shape_apart_once(
    monkeypatch: pytest.MonkeyPatch, changed: bool
) -> None:
    if changed:
        for edition, upcaster in pasts.UPCASTERS.items():
            monkeypatch.setitem(CASES, edition, upcaster)
    case = a_life(*STALLED).case
    text = json.dumps(state_to_json(CASE, case))
    monkeypatch.setattr(encoding, "state_from_json", None)  # the second way is never gone
    assert state_from_text(CASE, text, procedures_of(case)) == case


@pytest.mark.parametrize("wrong", [THIRD + 1, 0, "1", None, 2.5])
def test_it_refuses_a_shape_it_does_not_know(upcasting: None, wrong: Any) -> None:
    case = a_life(*STALLED).case
    told = {**state_to_json(CASE, case), SHAPE: wrong}
    with pytest.raises(ValueError, match="shape"):
        state_from_json(CASE, told, procedures_of(case))
    with pytest.raises(ValueError, match="shape"):
        state_from_text(CASE, json.dumps(told), procedures_of(case))


def with_capitals(body: Any) -> Any:
    person = body["person"]
    return {**body, "person": {**person, "country": person["country"].upper()}}


def test_it_goes_by_the_number_where_only_a_meaning_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = a_life(*STALLED).case
    body = state_to_json(CASE, case)
    told = {**body, "person": {**body["person"], "country": "la"}}
    monkeypatch.setitem(CASES, SECOND, with_capitals)
    for again in (
        state_from_json(CASE, told, procedures_of(case)),
        state_from_text(CASE, json.dumps(told), procedures_of(case)),
        state_from_text(CASE, json.dumps(state_to_json(CASE, case)), procedures_of(case)),
    ):
        assert again == case


# -- what real programs wrote


@pytest.mark.parametrize("file", sorted(SAVED.glob("*.json")), ids=lambda file: file.stem)
def test_it_reads_every_shape_that_was_ever_kept(file: Any) -> None:
    """See tests/ledger/shapes.py before anything saved is replaced."""
    saved = json.loads(file.read_text(encoding="utf-8"))
    assert saved["cases"]
    for name, state in saved["cases"].items():
        case = as_folded(name)
        assert state.get(SHAPE, FIRST_SHAPE) == int(file.stem)
        assert state_from_json(CASE, state, procedures_of(case)) == case
        assert state_from_text(CASE, json.dumps(state), procedures_of(case)) == case


def test_it_has_a_saved_case_of_every_shape() -> None:
    assert {int(file.stem) for file in SAVED.glob("*.json")} == {FIRST_SHAPE, *CASES}
    assert set(CASES) <= set(EDITIONS) - {FIRST_SHAPE}


def test_it_leaves_no_name_for_the_number_of_a_shape() -> None:
    assert SHAPE not in Case.__dataclass_fields__
