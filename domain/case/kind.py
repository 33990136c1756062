"""The case as a kind of subject: what ledger, engine and projector need to know of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.act import AnyCommand, Command
from domain.case.acts.steering import AdoptRules
from domain.case.apply import apply, blank
from domain.case.commands import OpenCase
from domain.case.core import ACTS, advance, command_of, next_wake, open_case
from domain.case.events import KINDS, CaseOpened
from domain.case.projection import changes_between, marks_after, touches_escalations
from domain.case.reading import shown_state
from domain.case.state import Case
from domain.event import Event
from domain.subject import RowChanges, SubjectKind, register
from domain.work.procedure import Procedure


def _blank(case_id: str, first: Event, procedures: Mapping[str, Procedure]) -> Case:
    if not isinstance(first, CaseOpened):
        raise ValueError("a case begins with its first report")  # noqa: TRY004 - of the ledger, not the program
    digest = first.procedure_digest
    return blank(case_id, procedures[digest], digest)


def _rows(before: Case | None, after: Case) -> RowChanges:
    changes = changes_between(before, after)
    return RowChanges(
        {"cases": (changes.case,), "case_offices": changes.offices, "tasks": changes.tasks},
        {
            "case_offices": tuple(
                {"case_id": after.id, "office": office} for office in changes.offices_gone
            )
        },
    )


def _procedures_of(asked: OpenCase | AnyCommand) -> Mapping[str, Procedure]:
    if isinstance(asked, OpenCase):
        return {asked.procedure_digest: asked.procedure}
    if not isinstance(asked.body, AdoptRules) or asked.body.procedure is None:
        return {}
    return {asked.body.procedure_digest: asked.body.procedure}


def _procedure_values(kept: Any, procedures: Mapping[str, Procedure]) -> Mapping[str, Any]:
    for segment in kept.segments:
        if segment.procedure_digest not in procedures:
            raise KeyError(segment.procedure_digest)
    return {"procedures": dict(procedures)}


def _command_named(do: str) -> Any:
    act = ACTS.get(do)
    if act is None:
        raise ValueError(f"there is no act named {do!r}")
    takes: Any = act.takes
    return Command[takes]


def _subject_id(opening: OpenCase) -> str:
    return opening.case_id


def _to_edition(edition: int) -> AnyCommand:
    return command_of("world_edition", by="admin", user="", number=edition)


CASE: SubjectKind[Case, OpenCase, AnyCommand, Event] = register(
    SubjectKind(
        name="case",
        state=Case,
        opening=OpenCase,
        command=Command,
        command_named=_command_named,
        events=KINDS,
        subject_id=_subject_id,
        open=open_case,
        blank=_blank,
        apply=apply,
        advance=advance,
        next_wake=next_wake,
        status=shown_state,
        tables=("cases", "case_offices", "tasks", "escalations", "outbox"),
        rows=_rows,
        marks_after=marks_after,
        touches_escalations=touches_escalations,
        procedures_of=_procedures_of,
        procedure_fields=frozenset({"procedures"}),
        procedure_values=_procedure_values,
        to_edition=_to_edition,
    )
)
