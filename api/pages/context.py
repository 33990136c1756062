"""Turns what a page shows into HTML. Autoescape is on, a value that is not there is an error.

Templates hold no rules and no texts: they ask `words.py` for every sentence.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.deps import Services
from api.errors import NotFound
from api.pages.menu import MenuEntry
from api.pages.visitor import Visitor
from domain.rules.crossings import registered_crossings
from records.session import Actor, system
from wording import dates
from wording.catalogue import ENGLISH, Words, words_of

PROJECT = Path(__file__).parents[2]
TEMPLATES = PROJECT / "templates"
STYLE = PROJECT / "static" / "homeward.css"
INDOCHINA = timezone(timedelta(hours=7))  # of offices without a country (stories.md 3.12)
AFTER_POST = 303


@cache
def style() -> tuple[str, bytes]:
    """The style sheet and a word that changes with it, so that browsers may keep it for ever."""
    content = STYLE.read_bytes()
    return hashlib.sha256(content).hexdigest()[:12], content


def style_url() -> str:
    """The address of the present style sheet."""
    return f"/static/{style()[0]}/homeward.css"


@cache
def environment() -> Environment:
    """The templates; every value is escaped unless a template says otherwise, and none does."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.do"],
    )
    made.globals["style_url"] = style_url
    return made


@dataclass(frozen=True)
class PageContext:
    """How one visitor's page reads: their words, the zone of their office, names of offices."""

    services: Services
    visitor: Visitor | None = None
    language: str = ENGLISH

    @property
    def actor(self) -> Actor:
        """Who asks, as PostgreSQL is told."""
        return self.visitor.callers[0].actor if self.visitor is not None else system("page")

    @cached_property
    def words(self) -> Words:
        """The texts in the visitor's language."""
        return words_of(self.language)

    # -- offices and steps by name

    def office(self, office: str) -> str:
        """An office as people call it; `person` and `guardian` are no offices."""
        known = self.services.register.get(office)
        return known.name if known is not None else self.words.get(f"people.{office}", office)

    def offices(self, offices: list[str] | tuple[str, ...]) -> str:
        """Several of them in one line."""
        return ", ".join(self.office(o) for o in offices) or self.words("people.nobody")

    def step(self, corridor: str, step: str) -> str:
        """The title of a step as the newest rules of its corridor have it."""
        ready = self.services.procedures.get(corridor)
        card = ready.procedure.cards.get(step) if ready is not None else None
        return card.title if card is not None else self.words.word("steps", step)

    def corridor(self, corridor: str) -> str:
        """The title of a corridor."""
        ready = self.services.procedures.get(corridor)
        return ready.title if ready is not None else corridor

    def crossing(self, crossing: str) -> str:
        """A crossing of the rules by its name; another one reads as the case names it."""
        known = registered_crossings(self.services.rulebook).get(crossing)
        return known.name if known is not None else crossing

    # -- dates

    def zone_of(self, office: str) -> tzinfo:
        """The zone an office lives in; one without a country has the visitor's."""
        known = self.services.register.get(office)
        country = known.country if known is not None else ""
        if not country and self.visitor is not None and office != self.visitor.office:
            return self.zone
        calendar = self.services.rulebook.calendar(country) if country else None
        return calendar.zone if calendar is not None else INDOCHINA

    @cached_property
    def zone(self) -> tzinfo:
        """The zone of the visitor's own office."""
        return self.zone_of(self.visitor.office) if self.visitor is not None else INDOCHINA

    def day(self, value: Any, zone: tzinfo | None = None) -> str:
        """A day in words."""
        return dates.day(self.words, value, zone or self.zone)

    def moment(self, value: datetime, zone: tzinfo | None = None) -> str:
        """A day and an hour in words, with the zone."""
        return dates.moment(self.words, value, zone or self.zone)

    def distance(self, due: datetime, now: datetime, zone: tzinfo | None = None) -> str:
        """How far a due date is."""
        return dates.distance(self.words, due, now, zone or self.zone)

    # -- pages

    def page(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
        **shown: Any,
    ) -> HTMLResponse:
        """Return a page; `template` is a name in `templates/pages`."""
        visitor = self.visitor
        text = (
            environment()
            .get_template(f"pages/{template}.html")
            .render(
                t=self.words,
                context=self,
                visitor=visitor,
                here=request.url.path,
                notice=self._notice(request),
                menu=self._menu(request),
                rehearsal=self.services.rehearsal,
                **shown,
            )
        )
        return HTMLResponse(text, status, headers=headers)

    def _menu(self, request: Request) -> list[MenuEntry]:
        """The pages of the menu that the visitor may see."""
        visitor, menu = self.visitor, request.app.state.menu
        if visitor is None:
            return []
        return [entry for entry in menu if visitor.may(self.services.policy, entry.permission)]

    def _notice(self, request: Request) -> str:
        """What was done just now; only words we know are shown, never what an address says."""
        return self.words.get(f"done.{request.query_params.get('done', '')}")


def known(asked: str, words: Collection[str]) -> str | None:
    """A filter of an address, None without one; raises NotFound for a word that is none.

    Everything, shown for a misspelt filter, would look like an answer.
    """
    if asked and asked not in words:
        raise NotFound
    return asked or None


def go(url: str, done: str = "") -> RedirectResponse:
    """Send the browser on after a form; `done` says what to tell there."""
    joint = "&" if "?" in url else "?"
    return RedirectResponse(f"{url}{joint}done={done}" if done else url, AFTER_POST)
