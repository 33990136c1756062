"""What a case waits for, in one sentence of the visitor's language; the parts come from the core."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from api.pages.context import PageContext
from api.pages.forms.case import CaseForms
from domain.case import reading
from domain.work.calendars import calendar_for
from domain.work.ladder import rank
from records.cases import CaseView


@dataclass(frozen=True, slots=True)
class Sentence:
    """What a case waits for: the sentence, and what follows it in short parts."""

    text: str
    parts: tuple[str, ...] = ()
    late: bool = False


def of_case(case_forms: CaseForms) -> Sentence:
    """The sentence of a case that is looked at whole."""
    context, case, at = case_forms.context, case_forms.case, case_forms.looked.at
    t, waiting = context.words, reading.waits_for(case, at)
    task = reading.in_focus(case, at)
    if case.ended:
        return Sentence(t("sentence.ended", state=t.word("cases", case.state)))
    hold = [t("sentence.on_hold")] if case.work.on_hold else []
    if task is None:
        since = context.day(waiting.since) if waiting.since else ""
        text = t("sentence.idle_since", since=since) if since else t("sentence.idle")
        more = [t("sentence.stalled")] if case.work.idle_reported else []
        return Sentence(text, tuple(hold + more))
    zone = calendar_for(case, task.made_for).zone
    parts = list(hold)
    if task.left is not None:
        parts.append(t("sentence.held", left=str(task.left)))
    elif task.due_at is not None:
        due = context.day(task.due_at, zone)
        parts.append(t("sentence.due", due=due, distance=context.distance(task.due_at, at, zone)))
    if reading.is_unknown(case, task, at):
        parts.append(t("sentence.unknown"))
    if task.escalation == "open":
        parts.append(t("sentence.escalated", rung=t.word("rungs", task.rung)))
    elif rank(task.rung) > 0:
        parts.append(t("sentence.reached", rung=t.word("rungs", task.rung)))
    if waiting.next_rung_at is not None:
        day = context.day(waiting.next_rung_at, zone)
        parts.append(t("sentence.next", rung=t.word("rungs", waiting.next_rung), day=day))
    text = t(
        "sentence.waits",
        title=case.procedure.cards[task.step].title,
        office=context.office(task.holder),
        since=context.day(task.started_at, zone),
    )
    return Sentence(text, tuple(parts), late=task.due_at is not None and task.due_at < at)


def of_row(context: PageContext, row: CaseView, at: datetime) -> Sentence:
    """The sentence of a case in a list, with what its row tells."""
    t = context.words
    if row.ended_at is not None:
        return Sentence(t("sentence.ended", state=t.word("cases", row.status)))
    hold = [t("sentence.on_hold")] if row.on_hold else []
    if not row.waits_step:
        since = context.day(row.since) if row.since else ""
        text = t("sentence.idle_since", since=since) if since else t("sentence.idle")
        return Sentence(text, tuple(hold))
    zone = context.zone_of(row.waits_holder)
    parts = list(hold)
    if row.due_at is not None:
        due = context.day(row.due_at, zone)
        parts.append(t("sentence.due", due=due, distance=context.distance(row.due_at, at, zone)))
    if row.next_rung_at is not None and row.next_rung:
        day = context.day(row.next_rung_at, zone)
        parts.append(t("sentence.next", rung=t.word("rungs", row.next_rung), day=day))
    text = t(
        "sentence.waits",
        title=context.step(row.corridor, row.waits_step),
        office=context.office(row.waits_holder),
        since=context.day(row.since, zone) if row.since else "",
    )
    return Sentence(text, tuple(parts), late=row.due_at is not None and row.due_at < at)
