"""From an act or a change of the world in a story to the core's command.

Words that people write become names of private texts here; the core never sees them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from domain.act import AnyCommand
from domain.case.core import command_of
from domain.case.state import Case
from domain.rules.book import Rulebook
from domain.work.procedure import Procedure
from story.cast import office_id
from story.model import Act, Person, Story, When, World, split_step
from story.opening import calendar_of, changed_post, flag_of

PLAIN = ("amount", "currency")  # results that are no free text
DATES = ("valid_until", "until", "review")  # may stand in `result` as well as beside it


@dataclass
class Translator:
    """Translates one story; keeps the private texts by the names it gave them."""

    story: Story
    texts: dict[str, str] = field(default_factory=dict)

    def private(self, words: object) -> str:
        """The name of a private text; empty for no words."""
        if words in (None, ""):
            return ""
        name = "text-" + hashlib.sha256(f"{self.story.title}\n{words}".encode()).hexdigest()[:24]
        self.texts[name] = str(words)
        return name

    def office(self, name: str | None) -> str:
        """The office of a party or role; empty for none."""
        return office_id(self.story, name) if name else ""

    def act(self, act: Act, case: Case, rules: tuple[Procedure, str] | None) -> AnyCommand:
        """The command of an act; `rules`: the newer plan that adopt_rules would move to."""
        by = self.office(act.by)
        given = act.result
        valid_until, until, review = (_day(getattr(act, name) or given.get(name)) for name in DATES)
        return command_of(
            act.do,
            by=by,
            user=act.user if act.user is not None else _holder(case, by),
            for_=self.office(act.for_),
            step=split_step(act.step)[1] if act.step else "",
            outcome=act.outcome or "",
            happened_at=act.happened,
            reason=self.private(act.reason),
            note=self.private(act.reason) if act.do == "note" else "",
            due=act.due,
            until=until,
            review=review,
            day=act.date,
            valid_until=valid_until,
            to=self.office(act.to),
            decision=act.decision or "",
            purpose=act.purpose or "",
            receiver=self.office(act.receiver),
            flag=flag_of(self.story, act.flag or ""),
            kind=act.kind or "",
            owner=self.office(act.owner),
            fact=act.fact or "",
            value=_value(act.value),
            crossing=act.crossing or "",
            receiving=self.office(act.receiving),
            approved_by=self._approver(act, case),
            evidence=self.private(given.get("evidence")),
            result=self._fields(given),
            procedure=rules[0] if rules and act.do == "adopt_rules" else None,
            procedure_digest=rules[1] if rules and act.do == "adopt_rules" else "",
        )

    def _approver(self, act: Act, case: Case) -> str:
        """A user; where the file names a party or role, whoever holds that post."""
        if not act.approved_by:
            return ""
        return _holder(case, self.office(act.approved_by)) or act.approved_by

    def _fields(self, given: Mapping[str, object]) -> dict[str, str]:
        """Amount and currency as they are; everything else by the name of its private text."""
        found = {name: str(given[name]) for name in PLAIN if name in given}
        for name, value in given.items():
            if name not in (*PLAIN, *DATES, "evidence"):
                found[name] = self.private(value)
        return found

    def world(
        self, world: World, case: Case, person: Person, rulebook: Rulebook
    ) -> AnyCommand | None:
        """The command of a change of the world; None when it does not touch this case."""
        by = self.office(world.by)
        signed = {"by": by, "user": _holder(case, by) or world.by}
        if world.about == "crossing":
            status = world.status or ""
            return command_of("world_crossing", crossing=world.subject, status=status, **signed)
        if world.about == "calendar":
            calendar = calendar_of(self.story, rulebook, world.subject, world.calendar)
            return command_of("world_calendar", calendar=calendar, **signed)
        if world.about == "party":
            office = changed_post(self.story, world, person, case.work.offices)
            return command_of("world_post", office=office, **signed) if office else None
        return None


def _holder(case: Case, office: str) -> str:
    found = case.work.offices.get(office)
    return found.holder_now() if found is not None else ""


def _day(value: object) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else None


def _value(value: object) -> str:
    if isinstance(value, When):
        day = _day(value)
        return day.isoformat() if day is not None else ""
    return "" if value is None else str(value)
