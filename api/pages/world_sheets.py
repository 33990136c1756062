"""A page about one thing of the world: how it is, what would move, and the form that changes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from api.errors import Problem
from api.pages.context import PageContext
from api.pages.forms import base
from api.pages.forms.base import Field, Form, Posted, new_key
from api.pages.route import headers_of
from api.world_preview import Summary
from domain import errors as core
from records.world import Fact

LINES = 50


@dataclass(frozen=True, slots=True)
class Sheet:
    """One thing of the world: how it is, what would move, and the form that changes it."""

    title: str
    facts: tuple[tuple[str, str], ...]
    form: Form
    items_title: str = ""
    items: tuple[str, ...] = ()
    note: str = ""


def show(
    request: Request,
    context: PageContext,
    sheet: Sheet,
    problem: Problem | core.Refused | None = None,
) -> Response:
    """Return the page."""
    return context.page(
        request,
        "world_one",
        status=problem.status if problem is not None else 200,
        headers=headers_of(problem) if problem is not None else None,
        sheet=sheet,
        action=request.url.path,
    )


async def again(
    request: Request,
    context: PageContext,
    sheet: Callable[[], Sheet],
    sent: Posted,
    problem: Problem | core.Refused,
) -> Response:
    """The page as it is now, with the form as it was sent and what is wrong with it."""
    now = await run_in_threadpool(sheet)
    wrong = base.refused(now.form, sent, problem, context.words, context.office)
    return await run_in_threadpool(show, request, context, replace(now, form=wrong), problem)


def form_of(context: PageContext, do: str, *fields: Field, danger: bool = False) -> Form:
    """A form of this kind; each also asks why, and who said so."""
    t = context.words
    why = Field("reason", "area", t("world_fields.reason"), "", required=True)
    source = Field(
        "source", "line", t("world_fields.source"), t("world_hints.source"), required=True
    )
    return Form(
        do=do,
        title=t(f"world_acts.{do}"),
        submit=t(f"world_acts.{do}"),
        fields=(*fields, why, source),
        key=new_key(),
        danger=danger,
        always_open=True,
    )


def field(
    context: PageContext, name: str, kind: str, *, required: bool = False, hint: str = ""
) -> Field:
    """A question with its label and hint."""
    t = context.words
    said = t(f"world_hints.{hint}", zone=_zone(context)) if hint else ""
    return Field(name, kind, t(f"world_fields.{name}"), said, required=required)


def _zone(context: PageContext) -> str:
    return context.moment(context.services.now()).rpartition("(")[2].rstrip(")")


def said_last(context: PageContext, fact: Fact | None) -> list[tuple[str, str]]:
    """Who said last how it is, and why."""
    t = context.words
    if fact is None:
        return []
    return [
        (t("world.since"), context.moment(fact.effective_at)),
        (t("world_fields.reason"), fact.reason),
        (t("world_fields.source"), fact.source),
    ]


# -- what would move


def lines(context: PageContext, found: Summary) -> tuple[str, ...]:
    """Each open clock that would move, the first of them."""
    t = context.words
    return tuple(
        t(
            "world.moves",
            reference=line.reference,
            title=line.title,
            old=moment(context, line.old),
            new=context.moment(line.new),
        )
        for line in found.lines[:LINES]
    )


def moment(context: PageContext, at: datetime | None) -> str:
    """A moment, or that there is none."""
    return context.moment(at) if at is not None else context.words("world.no_date")


def counted(context: PageContext, found: Summary) -> str:
    """How much would change in all."""
    t = context.words
    said = t("world.counted", n=found.dates_moved, cases=found.cases_moved, all=found.concerned)
    if found.looked_into < found.concerned:
        said += " " + t("world.looked_into", n=found.looked_into)
    return said
