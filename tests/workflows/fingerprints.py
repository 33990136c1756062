"""What each workflow asks of the engine, read from its source: a history replays only while this stays.

`python -m tests.workflows.fingerprints` writes `fingerprints.json` anew. A changed line there is a
changed command: runs that are under way need `workflow.patched`, or a newer edition (docs/running.md).
"""

from __future__ import annotations

import ast
import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, TypeAlias

FILE = Path(__file__).with_name("fingerprints.json")
PACKAGE = "workflows"
DEFINES = "workflow.defn"
# What is called, and what it is to the engine.
CALLS = {
    "workflow.execute_activity": "activities",
    "workflow.execute_activity_method": "activities",
    "workflow.start_activity": "activities",
    "workflow.start_activity_method": "activities",
    "workflow.execute_local_activity": "local activities",
    "workflow.execute_local_activity_method": "local activities",
    "workflow.start_local_activity": "local activities",
    "workflow.start_local_activity_method": "local activities",
    "workflow.execute_child_workflow": "child workflows",
    "workflow.start_child_workflow": "child workflows",
    "workflow.get_external_workflow_handle": "other workflows",
    "workflow.get_external_workflow_handle_for": "other workflows",
    "workflow.continue_as_new": "continue as new",
    "workflow.patched": "patches",
    "workflow.deprecate_patch": "patches",
    "workflow.upsert_search_attributes": "search attributes",
    "workflow.upsert_memo": "memo",
    "workflow.sleep": "timers",
    "asyncio.sleep": "timers",
    "asyncio.timeout": "timers",
    "asyncio.timeout_at": "timers",
    "asyncio.wait_for": "timers",
}
UNNAMED = {"timers", "continue as new", "search attributes", "memo"}  # their first word is no name
# Timers if they end.
TIMED = {
    "workflow.wait_condition",
    "workflow.wait",
    "workflow.as_completed",
    "asyncio.wait",
    "asyncio.as_completed",
}
LATER = {"call_later", "call_at"}  # of whichever event loop
HANDLERS = {
    "workflow.update": "updates",
    "workflow.signal": "signals",
    "workflow.query": "queries",
}

Definition: TypeAlias = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
Fingerprint: TypeAlias = dict[str, list[str]]


class Known(NamedTuple):
    """A class or function of the package, and the module whose names it uses."""

    module: ModuleType
    node: Definition


class Source:
    """The modules of a package of workflows, and what is defined in them."""

    def __init__(self, package: str, folder: Path) -> None:
        """Read every module below `folder`, which is that of the package."""
        self.package = package
        self.known: dict[str, Known] = {}
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder.parent).with_suffix("").parts
            module = importlib.import_module(".".join(parts).removesuffix(".__init__"))
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, Definition):
                    self.known[f"{module.__name__}.{node.name}"] = Known(module, node)

    def workflows(self) -> dict[str, Known]:
        """Every class that `workflow.defn` decorates, by its dotted name."""
        return {
            name: known
            for name, known in self.known.items()
            if isinstance(known.node, ast.ClassDef)
            and any(_called(known.module, _callee(d)) == DEFINES for d in known.node.decorator_list)
        }

    def reached(self, start: Known) -> list[Known]:
        """The class, and every class and function of the package it names, and they in turn."""
        found, waiting = {_name(start): start}, [start]
        while waiting:
            here = waiting.pop()
            for known in self._named_in(here):
                if _name(known) not in found:
                    found[_name(known)] = known
                    waiting.append(known)
        return [found[name] for name in sorted(found)]

    def _named_in(self, here: Known) -> Iterator[Known]:
        for node in ast.walk(here.node):
            if isinstance(node, ast.Name | ast.Attribute) and (words := _dotted(node)):
                thing = _looked_up(here.module, words)
                name = f"{getattr(thing, '__module__', '')}.{getattr(thing, '__qualname__', '')}"
                if name in self.known:
                    yield self.known[name]


def fingerprint(source: Source, workflow: Known) -> Fingerprint:
    """What a workflow asks of the engine, by kind, in words that name where it does."""
    found: Fingerprint = {}
    for known in source.reached(workflow):
        for kind, words in _sites(known):
            found.setdefault(kind, []).append(words)
    return {kind: sorted(found[kind]) for kind in sorted(found)}


def fingerprints(package: str = PACKAGE, folder: Path | None = None) -> dict[str, Fingerprint]:
    """The fingerprint of each workflow of a package, by its dotted name."""
    source = Source(package, folder or Path(__file__).resolve().parents[2] / package)
    return {name: fingerprint(source, known) for name, known in sorted(source.workflows().items())}


def text_of(found: dict[str, Fingerprint]) -> str:
    """The text that is kept: one line for each command, so that a difference can be read."""
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def _sites(known: Known) -> Iterator[tuple[str, str]]:
    for within, node in _walk(known.node, known.node.name):
        if isinstance(node, ast.Call):
            yield from _command(known.module, within, node)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _handler(known.module, within, node)


def _walk(node: ast.AST, within: str) -> Iterator[tuple[str, ast.AST]]:
    """Every node below with the dotted name of the definition around it."""
    for child in ast.iter_child_nodes(node):
        inner = f"{within}.{child.name}" if isinstance(child, Definition) else within
        yield inner, child
        yield from _walk(child, inner)


def _command(module: ModuleType, within: str, call: ast.Call) -> Iterator[tuple[str, str]]:
    called = _called(module, call.func)
    last = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    if called in CALLS:
        kind = CALLS[called]
        name = "" if kind in UNNAMED or not call.args else _value(module, call.args[0]) + " "
        yield kind, f"{name}in {within}{_options(module, call)}"
    elif last in LATER or (called in TIMED and _ends(call)):
        yield "timers", f"in {within} by {last}"


def _ends(call: ast.Call) -> bool:
    return any(keyword.arg == "timeout" for keyword in call.keywords)


def _options(module: ModuleType, call: ast.Call) -> str:
    """The names of the options given, those of a record of options among them."""
    names: set[str] = set()
    for keyword in call.keywords:
        if keyword.arg is not None:
            names.add(keyword.arg)
        else:
            words = _dotted(keyword.value)
            given = _looked_up(module, words) if words else None
            names |= set(given) if isinstance(given, dict) else {f"**{ast.unparse(keyword.value)}"}
    return f" with {', '.join(sorted(names))}" if names else ""


def _handler(
    module: ModuleType, within: str, function: ast.FunctionDef | ast.AsyncFunctionDef
) -> Iterator[tuple[str, str]]:
    for decorator in function.decorator_list:
        words = _called(module, _callee(decorator))
        if words in HANDLERS:
            yield HANDLERS[words], f"{_handler_name(module, function, decorator)} in {within}"
        elif words.endswith(".validator"):
            yield "updates", f"{words.removesuffix('.validator')} is checked in {within}"


def _handler_name(
    module: ModuleType, function: ast.FunctionDef | ast.AsyncFunctionDef, decorator: ast.expr
) -> str:
    if isinstance(decorator, ast.Call):
        for keyword in decorator.keywords:
            if keyword.arg == "name":
                return _value(module, keyword.value)
            if keyword.arg == "dynamic":
                return "whatever else"
    return function.name


def _callee(decorator: ast.expr) -> ast.expr:
    return decorator.func if isinstance(decorator, ast.Call) else decorator


def _dotted(node: ast.expr) -> str:
    """`a.b.c` for names and attributes of names; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = _dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def _called(module: ModuleType, node: ast.expr) -> str:
    """The same for what is called, under the name the engine's library has for it."""
    words = _dotted(node)
    thing = _looked_up(module, words) if words else None
    home = str(getattr(thing, "__module__", ""))
    if home.startswith("temporalio.workflow"):
        return f"workflow.{getattr(thing, '__name__', '')}"
    if home.startswith("asyncio"):
        return f"asyncio.{getattr(thing, '__name__', '')}"
    return words


def _value(module: ModuleType, node: ast.expr) -> str:
    """The name that is meant: a text, a constant's text, a function's or a class's own name."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    words = _dotted(node)
    thing = _looked_up(module, words) if words else None
    if isinstance(thing, str):
        return thing
    return str(getattr(thing, "__qualname__", ast.unparse(node)))


def _looked_up(module: ModuleType, words: str) -> Any:
    """What a dotted name means in a module; None where it means nothing there."""
    thing: Any = module
    for word in words.split("."):
        thing = getattr(thing, word, None)
    return thing


def _name(known: Known) -> str:
    return f"{known.module.__name__}.{known.node.name}"


def main() -> None:
    """Write what the source says now."""
    FILE.write_text(text_of(fingerprints()), encoding="utf-8")


if __name__ == "__main__":
    main()
