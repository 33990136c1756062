"""A page about one thing of the world: how it is, what would move, and the form that changes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from api.errors import Problem
from api.pages import forms
from api.pages.forms import Field, Form, Posted, new_key
from api.pages.look import Look
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
    request: Request, look: Look, sheet: Sheet, problem: Problem | core.Refused | None = None
) -> Response:
    """Return the page."""
    return look.page(
        request,
        "world_one",
        status=problem.status if problem is not None else 200,
        headers=headers_of(problem) if problem is not None else None,
        sheet=sheet,
        action=request.url.path,
    )


async def again(
    request: Request,
    look: Look,
    sheet: Callable[[], Sheet],
    sent: Posted,
    problem: Problem | core.Refused,
) -> Response:
    """The page as it is now, with the form as it was sent and what is wrong with it."""
    now = await run_in_threadpool(sheet)
    wrong = forms.refused(now.form, sent, problem, look.words, look.office)
    return await run_in_threadpool(show, request, look, replace(now, form=wrong), problem)


def form_of(look: Look, do: str, *fields: Field, danger: bool = False) -> Form:
    """A form of this kind; each also asks why, and who said so."""
    t = look.words
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


def field(look: Look, name: str, kind: str, *, required: bool = False, hint: str = "") -> Field:
    """A question with its label and hint."""
    t = look.words
    said = t(f"world_hints.{hint}", zone=_zone(look)) if hint else ""
    return Field(name, kind, t(f"world_fields.{name}"), said, required=required)


def _zone(look: Look) -> str:
    return look.moment(look.services.now()).rpartition("(")[2].rstrip(")")


def said_last(look: Look, fact: Fact | None) -> list[tuple[str, str]]:
    """Who said last how it is, and why."""
    t = look.words
    if fact is None:
        return []
    return [
        (t("world.since"), look.moment(fact.effective_at)),
        (t("world_fields.reason"), fact.reason),
        (t("world_fields.source"), fact.source),
    ]


# -- what would move


def lines(look: Look, found: Summary) -> tuple[str, ...]:
    """Each open clock that would move, the first of them."""
    t = look.words
    return tuple(
        t(
            "world.moves",
            reference=line.reference,
            title=line.title,
            old=moment(look, line.old),
            new=look.moment(line.new),
        )
        for line in found.lines[:LINES]
    )


def moment(look: Look, at: datetime | None) -> str:
    """A moment, or that there is none."""
    return look.moment(at) if at is not None else look.words("world.no_date")


def counted(look: Look, found: Summary) -> str:
    """How much would change in all."""
    t = look.words
    said = t("world.counted", n=found.dates_moved, cases=found.cases_moved, all=found.concerned)
    if found.looked_into < found.concerned:
        said += " " + t("world.looked_into", n=found.looked_into)
    return said
