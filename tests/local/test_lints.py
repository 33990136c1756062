"""What no tool asks of the code: one way to a connection, one way to an act, SQL in one room."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
ROOMS = (
    "domain",
    "activities",
    "api",
    "benchmarks",
    "commands",
    "demo",
    "engine",
    "faults",
    "records",
    "story",
    "workflows",
)

# Files that may open a connection, and why.
CONNECTS = {
    "records/session.py": "the one way itself",
    "records/timeouts.py": "makes what the engine pools",
    "benchmarks/steps.py": "counts the server's own figures beside the connections measured",
    "benchmarks/naive_entity.py": "measured against: written as one would without this rule",
}
# Files that may speak to the engine of acts by themselves, and why.
ACTS = {
    "api/acts.py": "the one way itself",
}
# Names that say what is passed on or what went wrong; whoever asks something builds a query.
PASSED_ON = {"Connection", "Engine"}
# Files outside records that build statements or engines, and why.
BUILDS_SQL = {
    "api/json/health.py": "asks the database whether it answers, and counts for metrics",
    "benchmarks/lists.py": "fills a database and reads plans of queries",
    "benchmarks/steps.py": "reads the server's own figures",
    "benchmarks/herd.py": "reads the server's own figures",
    "benchmarks/naive_entity.py": "measured against",
    "benchmarks/workers.py": "starts what is measured against",
}


# Files that may ask which side or country a procedure speaks of, and why.
SPELLS_SIDES = {
    "domain/rules/book.py": "reads the corridor",
    "domain/rules/check.py": "checks the corridor",
    "domain/rules/show.py": "draws the corridor",
    "domain/rules/tables.py": "checks the corridor's offices",
    "api/json/schemas/corridors.py": "shows the corridor",
    "api/opening.py": "binds offices before there is a case",
    "story/opening.py": "makes up a cast before there is a case",
}


def test_connections_are_opened_in_one_file() -> None:
    assert found_in_project(connections, CONNECTS) == []


def test_acts_go_to_the_engine_from_one_file() -> None:
    assert [one for one in found_in_project(acts, ACTS) if one.startswith("api/")] == []


def test_statements_are_built_in_records() -> None:
    everywhere = found_in_project(sql, BUILDS_SQL)
    assert [one for one in everywhere if not one.startswith("records/")] == []


def test_sides_are_spelled_by_the_procedure_alone() -> None:
    assert found_in_project(sides, SPELLS_SIDES) == []


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [
        ("connections", CONNECTS),
        ("acts", ACTS),
        ("sql", BUILDS_SQL),
        ("sides", SPELLS_SIDES),
    ],
)
def test_every_exception_is_still_needed(rule: str, allowed: dict[str, str]) -> None:
    for name in allowed:
        tree = ast.parse((PROJECT / name).read_text())
        assert list(RULES[rule](tree)), f"{name} needs no exception any more"


@pytest.mark.parametrize(
    ("rule", "code", "wrong"),
    [
        ("connections", "with database.begin() as connection: ...", True),
        ("connections", "services.database.connect()", True),
        ("connections", "with transaction(database, who) as connection: ...", False),
        ("connections", "await Client.connect(address)", False),
        ("acts", "await services.engine.act(case_id, command, key=key)", True),
        ("acts", "await engine.act(case_id, command)", True),
        ("acts", "await services.engine.open(opening)", False),
        ("sql", "from sqlalchemy import select, Connection", True),
        ("sql", "import sqlalchemy as sa", True),
        ("sql", "from sqlalchemy.dialects.postgresql import insert", True),
        ("sql", "from sqlalchemy import Connection, Engine", False),
        ("sql", "from sqlalchemy.exc import SQLAlchemyError", False),
        ("sides", "case.procedure.home == side", True),
        ("sides", "procedure.origin", True),
        ("sides", "case.procedure.home_role('case')", False),
    ],
)
def test_each_rule_finds_what_it_forbids(rule: str, code: str, wrong: bool) -> None:
    tree = compile(code, "example", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    assert isinstance(tree, ast.Module)
    assert bool(list(RULES[rule](tree))) is wrong


def found_in_project(
    rule: Callable[[ast.Module], Iterator[int]], allowed: dict[str, str]
) -> list[str]:
    files = [*(file for room in ROOMS for file in (PROJECT / room).rglob("*.py"))]
    files += PROJECT.glob("*.py")
    return [
        f"{name}:{line}"
        for file in files
        if (name := file.relative_to(PROJECT).as_posix()) not in allowed
        and not name.startswith("records/migrations/")
        for line in rule(ast.parse(file.read_text()))
    ]


def connections(tree: ast.Module) -> Iterator[int]:
    """`.begin()` and `.connect()` on anything but Temporal's client, and the begin of a post's term."""
    for call in calls(tree):
        if call.attr in {"begin", "connect"} and ast.unparse(call.value) not in {"Client", "posts"}:
            yield call.lineno


def acts(tree: ast.Module) -> Iterator[int]:
    """`engine.act` on an engine of whatever owner."""
    for call in calls(tree):
        if call.attr == "act" and ast.unparse(call.value).split(".")[-1] == "engine":
            yield call.lineno


def sql(tree: ast.Module) -> Iterator[int]:
    """Imports of sqlalchemy that build something; types and errors are only passed on."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and any(
            name.name.split(".")[0] == "sqlalchemy" for name in node.names
        ):
            yield node.lineno
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "sqlalchemy":
            names = {name.name for name in node.names} - PASSED_ON
            if names and node.module != "sqlalchemy.exc":
                yield node.lineno


def calls(tree: ast.Module) -> Iterator[ast.Attribute]:
    """Everything that is called as a method."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func


def sides(tree: ast.Module) -> Iterator[int]:
    """`procedure.home`, `.host` and `.origin`: whoever needs them asks the procedure a question."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in {"home", "host", "origin"}:
            owner = ast.unparse(node.value).split(".")[-1]
            if owner == "procedure":
                yield node.lineno


RULES = {"connections": connections, "acts": acts, "sql": sql, "sides": sides}
