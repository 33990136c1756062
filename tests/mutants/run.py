"""Breaks `domain/` mechanically, one small change at a time, and asks stories and tests.

A program to be run by hand (see docs/mutants.md). It works in a copy of the source, forks for each
mutant, stops at the first story or test that notices, and never changes the files copied from.
"""

from __future__ import annotations

import argparse
import ast
import copy
import gc
import importlib
import inspect
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

import hypothesis

from tests.mutants.room import SOURCE, furnish

FILES = ["work.deadlines", "work.calendar", "case.consent", "case.gates", "case.release"]
FILES += ["work.ladder", "work.offices", "work.conditions", "work.messages"]
SECONDS = (
    45  # for one mutant: all that reach it, on a busy machine; a broken core may turn for ever
)
SLOW = ("test_invariants",)  # for the last hour before a release, not for each mutant
FLIPS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
OTHER_NAME = {"min": "max", "max": "min", "any": "all", "all": "any"}
OTHER_SIGN: dict[type[ast.operator], ast.operator] = {ast.Add: ast.Sub(), ast.Sub: ast.Add()}

hypothesis.settings.register_profile(
    "mutants",
    phases=[hypothesis.Phase.generate],  # the first counterexample is enough, and never kept
    suppress_health_check=list(hypothesis.HealthCheck),
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=40,
)

Catcher = Callable[[], None]
Line = tuple[str, int]
SEEN = "seen_by_mutants"


class Mutant(NamedTuple):
    """One change: where, in which statement (its line), in which function (empty: outside any), and the module with it."""

    file: str
    line: int
    statement: int
    function: str
    was: str
    now: str
    tree: ast.Module


def changes(node: ast.AST, *, says_bool: bool) -> Iterator[ast.AST]:
    """What a node may become, each a node of its own."""
    match node:
        case ast.Compare(ops=ops):
            for n, op in enumerate(ops):
                new = copy.deepcopy(node)
                new.ops[n] = FLIPS[type(op)]()
                yield new
        case ast.BoolOp(op=op, values=values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield from (ast.Constant(value + 1), ast.Constant(value - 1))
        case ast.BinOp(op=op) if type(op) in OTHER_SIGN:
            yield ast.BinOp(node.left, OTHER_SIGN[type(op)], node.right)
        case ast.Call(func=ast.Name(id=name)) if name in OTHER_NAME:
            yield ast.Call(ast.Name(OTHER_NAME[name], ast.Load()), node.args, node.keywords)
        case ast.Return(value=ast.expr() as value) if says_bool:
            if not isinstance(value, ast.Constant):
                yield from (ast.Return(ast.Constant(word)) for word in (True, False))
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            if not isinstance(test, ast.Compare | ast.UnaryOp):  # those are changed themselves
                otherwise = copy.copy(node)
                otherwise.test = ast.UnaryOp(ast.Not(), test)
                yield otherwise


def path_of(room: Path, file: str) -> Path:
    """Where a module stands: `case.gates`, or `case.acts.complete`."""
    return room.joinpath("domain", *file.split(".")).with_suffix(".py")


def mutants_of(room: Path, file: str) -> Iterator[Mutant]:
    """Every mutant of a module, from top to bottom."""
    tree = ast.parse(path_of(room, file).read_text(encoding="utf-8"))
    yield from _below(tree, tree, file, "", says_bool=False)


def _below(
    tree: ast.Module, parent: ast.AST, file: str, function: str, *, says_bool: bool, at: int = 0
) -> Iterator[Mutant]:
    for field, kept in ast.iter_fields(parent):
        if field in {"annotation", "returns", "decorator_list"}:
            continue
        for n, node in enumerate(kept if isinstance(kept, list) else [kept]):
            if not isinstance(node, ast.AST):
                continue
            at = node.lineno if isinstance(node, ast.stmt) else at
            for new in changes(node, says_bool=says_bool):
                ast.copy_location(new, node)
                _put(parent, field, n, new)
                mutated = ast.fix_missing_locations(copy.deepcopy(tree))
                _put(parent, field, n, node)
                line = getattr(node, "lineno", 0)
                yield Mutant(file, line, at or line, function, _words(node), _words(new), mutated)
            inside, is_bool = function, says_bool
            if isinstance(node, ast.FunctionDef):
                inside = node.name
                is_bool = isinstance(node.returns, ast.Name) and node.returns.id == "bool"
            if isinstance(node, ast.arguments):
                inside = ""  # a default is read once, when the module is
            yield from _below(tree, node, file, inside, says_bool=is_bool, at=at)


def _put(parent: ast.AST, field: str, n: int, node: ast.AST) -> None:
    kept = getattr(parent, field)
    if isinstance(kept, list):
        kept[n] = node
    else:
        setattr(parent, field, node)


def _words(node: ast.AST) -> str:
    return ast.unparse(node).partition("\n")[0]


def functions_in(module: ModuleType) -> Iterator[FunctionType]:
    """The functions of a module and of its classes, unwrapped."""
    for found in vars(module).values():
        inner = list(vars(found).values()) if inspect.isclass(found) else [found]
        for thing in inner:
            function = inspect.unwrap(getattr(thing, "fget", None) or thing)
            if inspect.isfunction(function) and function.__module__ == module.__name__:
                yield function


def codes_in(code: CodeType) -> Iterator[CodeType]:
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield inner
            yield from codes_in(inner)


def furnish_rules(room: Path) -> None:
    """Copy the tests of the rules too, and the page that one of them compares."""
    tests, page = Path("tests", "rules"), Path("docs", "rules.md")
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(SOURCE / tests, room / tests, ignore=ignore)
    (room / page).parent.mkdir()
    shutil.copy2(SOURCE / page, room / page)


def catchers_in(room: Path) -> dict[str, Catcher]:
    """Every story and every fast test of the domain and the rules, as something to call."""
    found: dict[str, Catcher] = {}
    play = importlib.import_module("story.cli").play_file
    for path in sorted(room.glob("tests/*/test_*.py")):
        if path.stem in SLOW:
            continue
        module = importlib.import_module(f"tests.{path.parent.name}.{path.stem}")
        for name, test in vars(module).items():
            if name.startswith("test_it"):
                for n, given in enumerate(_given(test)):
                    found[f"{path.stem}::{name}[{n}]"] = _call(module, test, given)
    for path in sorted(room.glob("stories/*.toml")):
        found[f"stories/{path.name}"] = _played(play, path)
    return found


def _given(test: Any) -> Iterator[dict[str, Any]]:
    """The arguments of each case of a parametrized test; one empty case otherwise."""
    marks = [m for m in getattr(test, "pytestmark", []) if m.name == "parametrize"]
    if not marks:
        yield {}
        return
    names, rows = marks[0].args[:2]
    for row in rows:
        yield {names: row} if isinstance(names, str) else dict(zip(names, row, strict=True))


def _call(module: ModuleType, test: Callable[..., None], given: dict[str, Any]) -> Catcher:
    def ask() -> None:
        with tempfile.TemporaryDirectory(dir=".") as folder:  # in the room, and gone with it
            test(**_arguments(module, test, {**given, "tmp_path": Path(folder).resolve()}))

    return ask


def _arguments(
    module: ModuleType, function: Callable[..., Any], given: dict[str, Any]
) -> dict[str, Any]:
    """What a test or a fixture asks for: given, or what the fixture of its module makes anew."""
    wanted: dict[str, Any] = {}
    for name in inspect.signature(function).parameters:
        if name in given:
            wanted[name] = given[name]
        else:
            fixture = inspect.unwrap(getattr(module, name))
            wanted[name] = fixture(**_arguments(module, fixture, given))
    return wanted


def _played(play: Callable[[Path], Any], path: Path) -> Catcher:
    def story() -> None:
        assert play(path).ok

    return story


class Probes(ast.NodeTransformer):
    """Before each statement within a function: note that it ran."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list) and not isinstance(node, ast.Module | ast.ClassDef):
                setattr(node, field, [new for old in block for new in (self._probe(old), old)])
        return node

    def _probe(self, old: ast.stmt) -> ast.stmt:
        probe = ast.parse(f"{SEEN}.add({old.lineno})").body[0]
        for inner in ast.walk(probe):
            ast.copy_location(inner, old)
        return probe


def watch(room: Path, file: str) -> set[int]:
    """Put probes into a module; returns the lines seen, filled while it runs."""
    seen: set[int] = set()
    tree = ast.parse(path_of(room, file).read_text(encoding="utf-8"))
    vars(sys.modules[f"domain.{file}"])[SEEN] = seen
    put_in(Probes().visit(tree), room, file)
    return seen


def put_in(tree: ast.Module, room: Path, file: str) -> None:
    """Give the functions of a module, as they run, the code of this tree."""
    name = f"domain.{file}"
    whole = compile(tree, str(path_of(room, file)), "exec")
    codes = {(code.co_qualname, code.co_firstlineno): code for code in codes_in(whole)}
    for function in functions_in(sys.modules[name]):
        old = function.__code__
        if (old.co_qualname, old.co_firstlineno) in codes:
            function.__code__ = codes[old.co_qualname, old.co_firstlineno]
    forget(file)


def forget(file: str) -> None:
    """Empty what is kept: for a module of the rules also the rules that stories and tests have read."""
    whose = {"domain", "story", "tests"} if of_rules(file) else {"domain"}
    for module in [m for n, m in sys.modules.items() if n.partition(".")[0] in whose]:
        for found in list(vars(module).values()):
            if hasattr(found, "cache_clear"):
                found.cache_clear()


def of_rules(file: str) -> bool:
    """True for the modules that read, check and show rules."""
    return file.startswith("rules.")


def read_anew(mutant: Mutant, room: Path) -> dict[str, Catcher]:
    """What stands outside functions is read once: all of ours is imported again, with it."""
    path_of(room, mutant.file).write_text(ast.unparse(mutant.tree), encoding="utf-8")
    for name in [n for n in sys.modules if n.partition(".")[0] in {"domain", "story", "tests"}]:
        del sys.modules[name]
    sys.modules.pop("rulefiles", None)
    return catchers_in(room)


def asked(mutant: Mutant, room: Path, names: list[str], catchers: dict[str, Catcher]) -> str:
    """The first catcher that notices; empty when it survives, `time` when it turns for ever."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(SECONDS)
        said = ""
        try:
            if mutant.function:
                put_in(mutant.tree, room, mutant.file)
            else:
                said, catchers = "not read", read_anew(mutant, room)
            for said in names:
                catchers[said]()
            said = ""
        except BaseException:  # noqa: BLE001, S110 - whatever a broken core does is its answer
            pass
        os.write(writing, json.dumps(said).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return str(json.loads(answer)) if answer else "time"


def same(mutant: Mutant) -> tuple[str, int, str, str]:
    """What makes two mutants one while the file stays as it is."""
    return mutant.file, mutant.line, mutant.was, mutant.now


def not_caught(path: Path) -> set[tuple[str, int, str, str]]:
    """The mutants that an earlier run, written to `path`, did not see caught, or not in time."""
    said = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {
        (s["file"], s["line"], s["was"], s["now"])
        for s in said
        if s["verdict"] != "caught" or s["by"] == "time"
    }


def run(
    room: Path,
    files: list[str],
    out: Path,
    seconds: float,
    only: set[tuple[str, int, str, str]] | None = None,
) -> Counter[str]:
    """Ask for every mutant (of `only`) until time is up; one line of JSON for each in `out`."""
    began = time.monotonic()
    tomllib.loads = cache(tomllib.loads)
    catchers = catchers_in(room)
    seen = {file: watch(room, file) for file in files}
    reached: dict[Line, list[str]] = defaultdict(list)
    took: dict[str, float] = {}
    for name, catcher in catchers.items():
        for file in files:
            forget(file)  # each reads the rules itself, as it will under a mutant
        start = time.monotonic()
        catcher()
        took[name] = time.monotonic() - start
        for file, lines in seen.items():
            for line in lines:
                reached[file, line].append(name)
            lines.clear()
    for file in files:
        put_in(ast.parse(path_of(room, file).read_text(encoding="utf-8")), room, file)
    gc.freeze()
    kills: Counter[str] = Counter()
    count: Counter[str] = Counter()
    sys.stderr.write(f"{len(catchers)} catchers in {time.monotonic() - began:.0f} seconds\n")
    with out.open("w", encoding="utf-8") as told:
        for file in files:
            path = path_of(room, file)
            whole = path.read_text(encoding="utf-8")
            for mutant in mutants_of(room, file):
                if only is not None and same(mutant) not in only:
                    continue
                if time.monotonic() - began > seconds:
                    verdict, by = "not asked", ""
                else:
                    names = reached[file, mutant.statement] if mutant.function else list(catchers)
                    names = sorted(names, key=lambda name: (-kills[name], took[name]))
                    by = asked(mutant, room, names, catchers)
                    kills[by] += 1
                    verdict = "caught" if by else "survives" if names else "never run"
                if not mutant.function:
                    path.write_text(whole, encoding="utf-8")
                count[f"{file} {verdict}"] += 1
                said = {**mutant._asdict(), "verdict": verdict, "by": by}
                del said["tree"]
                told.write(json.dumps(said) + "\n")
                told.flush()
    return count


def main() -> None:
    """Run over the files named, or over those that count most."""
    parser = argparse.ArgumentParser(description="Mutants of domain/, made mechanically.")
    parser.add_argument("files", nargs="*", default=FILES, help="names of modules of domain/")
    parser.add_argument("--out", type=Path, default=Path("mutants.jsonl"))
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--again", type=Path, help="only what this earlier --out did not catch")
    wanted = parser.parse_args()
    out = wanted.out.resolve()
    only = not_caught(wanted.again) if wanted.again is not None else None
    sys.dont_write_bytecode = True
    hypothesis.settings.load_profile("mutants")
    with tempfile.TemporaryDirectory(prefix="homeward-mutants-") as folder:
        room = Path(folder)
        furnish(room)
        furnish_rules(room)
        os.chdir(room)
        for name in [n for n in sys.modules if n.partition(".")[0] == "tests"]:
            del sys.modules[name]  # the copy's tests, not these
        sys.path[:] = [str(room), *(p for p in sys.path if p not in {"", str(SOURCE)})]
        count = run(room, list(wanted.files), out, wanted.seconds, only)
        os.chdir("/")
    for words, number in count.items():
        sys.stdout.write(f"{words:24} {number}\n")


if __name__ == "__main__":
    main()
