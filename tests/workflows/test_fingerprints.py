"""What a workflow asks of the engine does not change unseen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.workflows.fingerprints import FILE, PACKAGE, fingerprints, text_of

ROOT = Path(__file__).resolve().parents[2]
HELPERS = """
import asyncio
from temporalio import workflow
from temporalio.workflow import execute_child_workflow as have_done

LETTER = "letter"
OPTIONS = {"task_queue": "q", "retry_policy": None}


class Base:
    async def write(self) -> None:
        await workflow.execute_activity(LETTER, 1, **OPTIONS)


async def rest() -> None:
    await asyncio.sleep(1)
    await have_done("child", id="c")


async def nobody_asks() -> None:
    await workflow.start_activity("unseen")
"""
FLOW = """
from temporalio import workflow
from {package} import helpers


@workflow.defn
class Flow(helpers.Base):
    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: True)
        await workflow.wait_condition(lambda: True, timeout=None)
        await helpers.rest()
        {more}

    @workflow.update(name="ask")
    def asked(self) -> None: ...

    @asked.validator
    def may(self) -> None: ...

    @workflow.signal
    def hear(self) -> None: ...
"""


def package_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, more: str) -> Path:
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "helpers.py").write_text(HELPERS, encoding="utf-8")
    flow = FLOW.format(package=name, more=more)
    (folder / "flow.py").write_text(flow, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def test_it_asks_the_engine_for_what_it_always_did() -> None:
    kept, now = FILE.read_text(encoding="utf-8"), text_of(fingerprints())
    assert now == kept, (
        "A workflow asks something else of the engine than before, and runs that are under way will "
        "not replay. If that is meant: python -m tests.workflows.fingerprints"
    )


def test_it_finds_every_workflow() -> None:
    texts = (path.read_text(encoding="utf-8") for path in (ROOT / PACKAGE).rglob("*.py"))
    written = sum(len(re.findall(r"^@(?:\w+\.)?defn\b", text, re.MULTILINE)) for text in texts)
    assert len(fingerprints()) == written > 0


def test_it_names_all_that_is_asked_wherever_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = package_with(tmp_path, monkeypatch, "flows_one", "pass")
    assert fingerprints("flows_one", folder) == {
        "flows_one.flow.Flow": {
            "activities": ["letter in Base.write with retry_policy, task_queue"],
            "child workflows": ["child in rest with id"],
            "signals": ["hear in Flow.hear"],
            "timers": ["in Flow.run by wait_condition", "in rest"],
            "updates": ["ask in Flow.asked", "asked is checked in Flow.may"],
        }
    }


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ("await workflow.sleep(5)", "timers"),
        ("workflow.continue_as_new()", "continue as new"),
        ('await workflow.start_local_activity("look")', "local activities"),
        ('workflow.patched("second")', "patches"),
    ],
)
def test_it_sees_a_command_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: str, kind: str
) -> None:
    name = f"flows_{abs(hash(more))}"
    before = package_with(tmp_path, monkeypatch, f"{name}_before", "pass")
    after = package_with(tmp_path, monkeypatch, f"{name}_after", more)
    less = fingerprints(before.name, before)[f"{before.name}.flow.Flow"]
    more_of = fingerprints(after.name, after)[f"{after.name}.flow.Flow"]
    assert len(more_of[kind]) == len(less.get(kind, [])) + 1
