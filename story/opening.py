"""From a story to the opening of each person's case: plan, policy, calendars, offices, age.

It reads rules through a rulebook given to it, and never decides what a step is worth.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime

from domain.behaviour import EDITION
from domain.case.commands import OpenCase
from domain.rules.book import Rulebook, RulesWrong, digest_of, procedure_for
from domain.work.calendar import Calendar
from domain.work.deadlines import add_months
from domain.work.procedure import Procedure
from domain.work.state import Office
from story import words
from story.cast import cast_for, office_id
from story.model import CalendarTable, Person, Story, World
from story.table import StoryFileError

# Countries that may have no calendar in the rules (stories.md 3.2); others use the file's zone.
ZONES = {"TH": 420, "LA": 420, "KH": 420, "VN": 420, "MM": 390, "MY": 480, "SG": 480}
ADULT_AT = 18


def procedure_of(story: Story, person: Person, rulebook: Rulebook) -> Procedure:
    """The rules of the story's corridor, with its policy and its calendars.

    Raises StoryFileError when the rules cannot be used or the policy names no value of them.
    """
    corridor = story.segments[0].corridor
    try:
        procedure = procedure_for(rulebook, corridor, story.policy, {})
    except RulesWrong as wrong:
        raise _file_error(story, wrong) from wrong
    countries = (
        procedure.host,
        procedure.origin,
        person.country or procedure.origin,
        *story.calendars,
    )
    calendars = {c: calendar_of(story, rulebook, c, story.calendars.get(c)) for c in countries}
    return replace(procedure, origin=person.country or procedure.origin, calendars=calendars)


def _file_error(story: Story, wrong: RulesWrong) -> StoryFileError:
    first = wrong.problems[0]
    if first.field.startswith("policy."):
        key = first.field.removeprefix("policy.")
        return StoryFileError(str(story.path), "[policy]", key, first.sentence)
    return StoryFileError(str(story.path), "the rules it uses", "", str(first))


def calendar_of(
    story: Story, rulebook: Rulebook, country: str, table: CalendarTable | None
) -> Calendar:
    """The calendar a table gives a country; without one Monday to Friday, no holidays."""
    shipped = rulebook.calendar(country)
    if table is not None and table.use_shipped and shipped is not None:
        return shipped
    offset = story.zone.utcoffset(None)
    minutes = ZONES.get(country, int(offset.total_seconds()) // 60)
    plain = Calendar(country, shipped.zone_minutes if shipped is not None else minutes)
    if table is None:
        return plain
    return replace(
        plain,
        off=tuple(sorted(table.off)),
        on=tuple(sorted(table.on)),
        closes=table.closes or plain.closes,
    )


def opening_for(
    story: Story,
    person: Person,
    procedure: Procedure,
    rulebook: Rulebook,
    earlier: Iterable[World] = (),
) -> OpenCase:
    """How this person's case begins; `earlier` are the changes of the world known before."""
    cast = cast_for(story, person, procedure.host, procedure.origin)
    offices = {office.id: office for office in cast.offices}
    calendars = dict(procedure.calendars)
    crossings: dict[str, str] = {}
    for world in earlier:
        match world.about:
            case "calendar":
                country = world.subject
                calendars[country] = calendar_of(story, rulebook, country, world.calendar)
            case "crossing":
                crossings[world.subject] = world.status or ""
            case "party":
                changed = changed_post(story, world, person, offices)
                if changed is not None:
                    offices[changed.id] = changed
    procedure = replace(procedure, calendars=calendars)
    desk = offices[cast.roles[f"{procedure.home}.desk"]]
    return OpenCase(
        case_id=str(uuid.uuid5(uuid.NAMESPACE_OID, f"{story.title}/{story.opens}/{person.id}")),
        procedure=procedure,
        procedure_digest=digest_of(procedure),
        adult_on=adult_on(person, procedure.calendar(procedure.host).local_date(story.opens)),
        country=person.country or procedure.origin,
        offices=tuple(offices.values()),
        roles=cast.roles,
        flags=tuple(flag_of(story, flag) for flag in person.flags),
        user=desk.holder_now(),
        crossings=crossings,
        edition=EDITION,
    )


def adult_on(person: Person, opened: date) -> date | None:
    """The eighteenth birthday; None where the age is unknown.

    An age in years means that the birthday was today: the reading that protects a child longest.
    """
    if person.born is not None:
        return add_months(person.born, 12 * ADULT_AT)
    if isinstance(person.age, int):
        return add_months(opened, 12 * (ADULT_AT - person.age))
    return None


def flag_of(story: Story, flag: str) -> str:
    """A flag as the case knows it: `conflict:PARTY` names the office."""
    if flag.startswith(words.CONFLICT):
        return words.CONFLICT + office_id(story, flag.removeprefix(words.CONFLICT))
    return flag


def changed_post(
    story: Story, world: World, person: Person, offices: Mapping[str, Office]
) -> Office | None:
    """The office after a change of its post; None when this case does not know it or keeps it."""
    office = offices.get(office_id(story, world.subject))
    if office is None or (world.excluded is not None and world.excluded != person.id):
        return None
    if world.head is not None:
        office = replace(office, head=world.head, vacant=False)
    if world.vacant:
        office = replace(office, head="", vacant=True)
    if world.deputy is not None:
        office = replace(office, deputy=world.deputy)
    return replace(office, excluded=office.excluded or world.excluded is not None)


def since_when(world: World) -> datetime:
    """When a change takes effect: a post from its `from`, everything else once it is known."""
    return max(world.at, world.from_) if world.from_ is not None else world.at
