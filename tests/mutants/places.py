"""Where a mutant stands: in a definition of Python, or in a table of a rule file, by its name.

`domain.case.gates._document` is that function, `domain.work.tasks.TaskOptions.holder` what a class
defines, `domain.case.gates` the whole module. `rules/cards/return.toml:exit_clearance` is the table
with that id and all below it, `rules/access.toml:acts.hold` the table with that header. So a mutant
outlives whatever is written around its definition, and follows a file that moves by its `in` alone.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import NamedTuple

HEADER = re.compile(r"^\[{1,2}([\w.-]+)\]{1,2}", re.MULTILINE)
IDENTITY = re.compile(r'^(?:id|role) = "([^"]+)"', re.MULTILINE)


class Place(NamedTuple):
    """A piece of a file: its characters from `begin` to `end`."""

    path: Path
    begin: int
    end: int


class Table(NamedTuple):
    """A table of TOML: its header and what belongs to it, its own name, and where it stands."""

    header: str
    name: str
    begin: int


def place_of(root: Path, where: str) -> Place:
    """The place that `where` names below `root`; raises ValueError when there is none, or several."""
    if ".toml" in where:
        return _table_place(root, where)
    path, names = _module(root, where)
    text = path.read_text(encoding="utf-8")
    begin, end = 0, len(text)
    if names:
        node = _definition(ast.parse(text), names, where)
        begin, end = _span(text, node)
    return Place(path, begin, end)


def with_change(root: Path, mutant: dict[str, str]) -> tuple[Path, str]:
    """The file of a mutant and its text with the mutant in it.

    Raises ValueError unless `find` is in the place exactly once.
    """
    place = place_of(root, mutant["in"])
    text = place.path.read_text(encoding="utf-8")
    inside = text[place.begin : place.end]
    times = inside.count(mutant["find"])
    if times != 1:
        raise ValueError(f"`find` of {mutant['id']} is in {mutant['in']} {times} times, not once")
    changed = inside.replace(mutant["find"], mutant["replace"])
    return place.path, text[: place.begin] + changed + text[place.end :]


def _module(root: Path, where: str) -> tuple[Path, list[str]]:
    """The longest part of a dotted name that is a file, and what is left of the name."""
    parts = where.split(".")
    for length in range(len(parts), 0, -1):
        below = root.joinpath(*parts[:length])
        for path in (below.with_suffix(".py"), below / "__init__.py"):
            if path.is_file():
                return path, parts[length:]
    raise ValueError(f"`in` names {where}, and no module has that name")


def _definition(tree: ast.Module, names: list[str], where: str) -> ast.stmt:
    body: list[ast.stmt] = tree.body
    for name in names:
        named = [node for node in body if name in _names(node)]
        if len(named) != 1:
            raise ValueError(f"`in` names {where}, and {name} is defined there {len(named)} times")
        node = named[0]
        body = getattr(node, "body", [])
    return node


def _names(node: ast.stmt) -> set[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Assign(targets=targets):
            return {target.id for target in targets if isinstance(target, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
    return set()


def _span(text: str, node: ast.stmt) -> tuple[int, int]:
    """From the first decorator to the last line, whole lines."""
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
    lines = text.splitlines(keepends=True)
    last = node.end_lineno or node.lineno
    return len("".join(lines[: first - 1])), len("".join(lines[:last]))


def _table_place(root: Path, where: str) -> Place:
    file, _, name = where.partition(":")
    path = root / file
    if not path.is_file():
        raise ValueError(f"`in` names {where}, and there is no file {file}")
    text = path.read_text(encoding="utf-8")
    if not name:
        return Place(path, 0, len(text))
    tables = tables_of(text)
    named = [n for n, table in enumerate(tables) if table.name == name]
    if len(named) != 1:
        raise ValueError(f"`in` names {where}, and {name} is a table there {len(named)} times")
    table, later = tables[named[0]], tables[named[0] + 1 :]
    ends = (t.begin for t in later if not t.header.startswith(f"{table.header}."))
    return Place(path, table.begin, next(ends, len(text)))


def tables_of(text: str) -> list[Table]:
    """The tables of a TOML text in order; one of a list is named by its `id` or `role`.

    What stands below such a table is named after it: `travel_document.outcomes.issued`.
    """
    headers = list(HEADER.finditer(text))
    ends = [header.start() for header in headers[1:]] + [len(text)]
    tables: list[Table] = []
    above: dict[str, str] = {}
    for match, end in zip(headers, ends, strict=True):
        header = match[1]
        identity = IDENTITY.search(text, match.end(), end) if match[0].startswith("[[") else None
        top, _, rest = header.partition(".")
        if identity and not rest:
            above[top] = identity[1]
        name = identity[1] if identity and not rest else header
        if rest and top in above:
            name = f"{above[top]}.{rest}"
        tables.append(Table(header, name, match.start()))
    return tables
