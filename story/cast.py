"""Who plays in a story: every role bound to an office, made up where the file names nobody.

It knows names and countries; what an office may do is for the rules and the core.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from domain.work.procedure import side_of
from domain.work.state import Office
from story import words
from story.model import PartyTable, Person, Story, split_role

NO_OFFICE = frozenset({"admin"})  # keeps the system running and holds nothing in a case


@dataclass(frozen=True)
class Cast:
    """The offices of one person's case and who holds which role there."""

    offices: tuple[Office, ...]
    roles: dict[str, str]


def office_id(story: Story, name: str) -> str:
    """The office that a key of [parties] or a role means: the key, else the role itself."""
    if name in story.parties:
        return name
    role = split_role(name)[1]
    return next((key for key, party in story.parties.items() if _role(party) == role), role)


def cast_for(story: Story, person: Person, host: str, origin: str) -> Cast:
    """Every office of a person's case; of two parties with one role the first holds it."""
    countries = {"host": host, "origin": person.country or origin}
    countries["transit"] = next((s.country for s in story.segments if s.country), "")
    offices: dict[str, Office] = {}
    for key, role, party in _posts(story):
        for office in _with_supervisor(story, key, role, party, countries.get(side_of(role), "")):
            offices.setdefault(office.id, office)
    roles: dict[str, str] = {}
    for key, role, _ in _posts(story):
        roles.setdefault(role, key)
    return Cast(tuple(offices.values()), roles)


def _posts(story: Story) -> Iterator[tuple[str, str, PartyTable | None]]:
    """Office id, role and table: those of the file first, then one for every other role."""
    taken = set()
    for key, party in story.parties.items():
        taken.add(_role(party))
        yield key, _role(party), party
    for role in words.ROLES:
        if role not in taken and role not in NO_OFFICE:
            yield role, role, None


def _role(party: PartyTable) -> str:
    return split_role(party.role)[1]


def _with_supervisor(
    story: Story, key: str, role: str, party: PartyTable | None, country: str
) -> Iterator[Office]:
    """The office, and where the file names none the supervisor that E1 goes to."""
    named = party.under if party is not None else None
    over = f"{key}.supervisor"
    vacant = party is not None and party.vacant
    head = party.head if party is not None else None
    yield Office(
        id=key,
        role=role,
        country=country,
        head="" if vacant else head or f"{key}.head",
        deputy=(party.deputy if party is not None else None) or "",
        under=office_id(story, named) if named else over,
        vacant=vacant,
    )
    if not named:
        side = side_of(role)
        above = f"{side}.supervisor" if side else "supervisor"
        yield Office(id=over, role=above, country=country, head=f"{over}.head")
