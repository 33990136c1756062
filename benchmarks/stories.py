"""What whole stories cost the engine: events, bytes and state transitions for each human act.

Every shipped story is played on a real server by virtual time; the engine's own histories are
counted afterwards, everything included: openings, timers, writing, fresh runs.
"""

from __future__ import annotations

import statistics
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from temporalio.client import Client, WorkflowExecutionDescription

from benchmarks.acts import STORIES
from benchmarks.bare_entity import Bare, BareEntity
from benchmarks.figures import Report
from benchmarks.installation import Installation
from domain.act import AnyCommand
from domain.kinds import CASE
from engine.errors import ActRefused
from engine.subjects import SubjectEngine
from story.engine import EngineStage
from story.engine_fixture import EngineRoom
from story.file import comes_later, read_story
from story.player import play
from story.rulebooks import added_words, rulebook_of
from workflows.messages import Answer, workflow_id

BUDGET = 8  # events for each human step
BARE_STEPS = 100
SKIPPED_TIME = "workflow_execution_time_skipping_transitioned_event_attributes"
OPTIONS_MOVED = "workflow_execution_options_updated_event_attributes"


@dataclass
class Counted:
    """The way in to cases, with a reading of the history before and after every act."""

    inner: SubjectEngine
    events: list[int] = field(default_factory=list)
    size: list[int] = field(default_factory=list)
    transitions: list[int] = field(default_factory=list)
    runs: dict[str, set[str]] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        """Everything that is not an act goes straight through."""
        return getattr(self.inner, name)

    async def act(
        self, case_id: str, command: AnyCommand, *, key: str, at: datetime | None = None
    ) -> Answer:
        """Do it, and count what it added."""
        before = await self._seen(case_id)
        answer = await self.inner.act(case_id, command, key=key, at=at)
        after = await self._seen(case_id)
        if after.run_id == before.run_id:
            self.events.append(after.history_length - before.history_length)
            self.size.append(_size(after) - _size(before))
            self.transitions.append(_transitions(after) - _transitions(before))
        return answer

    async def _seen(self, case_id: str) -> WorkflowExecutionDescription:
        client: Client = self.inner.client
        seen = await client.get_workflow_handle(workflow_id(CASE.name, case_id)).describe()
        self.runs.setdefault(case_id, set()).add(str(seen.run_id))
        return seen


def _size(seen: WorkflowExecutionDescription) -> int:
    return int(seen.raw_description.workflow_execution_info.history_size_bytes)


def _transitions(seen: WorkflowExecutionDescription) -> int:
    return int(seen.raw_description.workflow_execution_info.state_transition_count)


def _all_events(room: EngineRoom, counted: Counted) -> Counter[str]:
    async def read() -> Counter[str]:
        kinds: Counter[str] = Counter()
        for case_id, runs in counted.runs.items():
            for run in runs:
                handle = room.client.get_workflow_handle(
                    workflow_id(CASE.name, case_id), run_id=run
                )
                history = await handle.fetch_history()
                kinds.update(event.WhichOneof("attributes") or "" for event in history.events)
        return kinds

    return room.wait(read(), 60)


async def _bare(installation: Installation, report: Report) -> None:
    installation.other_worker("bare", "bare-events", sandbox=True)
    client = await installation.plain_client()
    handle = await client.start_workflow(
        BareEntity.run, id=f"bare/{uuid.uuid4()}", task_queue="bare-events"
    )
    asked = Bare("complete", "th-mae-sot-shelter", "an-officer", "tracing_request", "sent")
    await handle.execute_update("act", asked)
    before = await handle.describe()
    for _ in range(BARE_STEPS):
        await handle.execute_update("act", asked)
    after = await handle.describe()
    report.add("bare: events per step", (after.history_length - before.history_length) / BARE_STEPS)
    report.add("bare: history per step", (_size(after) - _size(before)) / BARE_STEPS, "bytes")
    report.add(
        "bare: state transitions per step",
        (_transitions(after) - _transitions(before)) / BARE_STEPS,
    )


async def run(installation: Installation, *, quick: bool) -> list[Report]:
    """Count over all stories (`quick`: over one of them)."""
    report = Report("stories: what the engine keeps of a human step")
    await _bare(installation, report)
    files = sorted(STORIES.glob("*.toml"))
    stories = [read_story(file, added_words) for file in files[:1] if quick] or [
        story for file in files if not comes_later(story := read_story(file, added_words))
    ]
    failed: list[str] = []
    total: Counter[str] = Counter()
    with EngineRoom() as room:
        for story in stories:
            counted = Counted(room.engine)
            room_engine = room.engine
            room.engine = counted  # type: ignore[assignment] # it answers to the same names
            stage = EngineStage(room)
            try:
                played = play(story, rulebook_of(story.rules), stage, rulebook_of)
                if not played.ok:
                    failed.append(story.path.stem)
                kinds = _all_events(room, counted)
                total.update(kinds)
                _told(report, counted, kinds)
            except ActRefused as refused:
                failed.append(f"{story.path.stem} ({refused.slug})")
            finally:
                stage.leave()
                room.engine = room_engine
    report.remarks.append(f"{len(stories)} stories; budget {BUDGET} events for each human step")
    events = statistics.median(report.figures["ours: events per human act"].values)
    bare = report.figures["bare: events per step"].values[0]
    report.add("ratio: events per human act, ours / bare", events / bare)
    short = {kind.removesuffix("_event_attributes"): n for kind, n in total.most_common()}
    report.remarks.append(f"kinds of events: {short}")
    if failed:
        report.remarks.append(f"did not go as told: {', '.join(failed)}")
    return [report]


def _told(report: Report, counted: Counted, kinds: Counter[str]) -> None:
    for events in counted.events:
        report.add("ours: events per human act", events)
    for size in counted.size:
        report.add("ours: history per human act", size, "bytes")
    for transitions in counted.transitions:
        report.add("ours: state transitions per human act", transitions)
    acts = len(counted.events)
    if not acts:
        return
    virtual = kinds[SKIPPED_TIME] + kinds[OPTIONS_MOVED]
    everything = sum(kinds.values())
    # Each is written once: an act, or a moment at which something happened by itself.
    written = kinds["marker_recorded_event_attributes"]
    report.add(
        "ours: a whole story's events / its acts and timers", (everything - virtual) / written
    )
    report.add("ours: a whole story's events / its human acts", (everything - virtual) / acts)
    report.add("ours: the same with the events of virtual time", everything / acts)
    report.add("timers for each human act", kinds["timer_fired_event_attributes"] / acts)
