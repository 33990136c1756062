"""Who may ask what: one question for every route, answered from `rules/access.toml`.

Two gates. A role gives permissions (this module's `may`); being part of a case gives sight of it
(`sees_case`, `sees_task`). What may then be done with a step is the core's to say, not the door's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from api.errors import Forbidden, NotFound
from domain.case.core import ACTS
from domain.case.release import is_other_side
from domain.case.state import Case
from domain.rules.register import AccountRole
from domain.work.subject import open_tasks
from records.session import Actor

EVERYTHING = "*"  # a token's scope: all that its holder's role includes
ONLY_TASKS = "task"
ALL_CASES = "all"


@dataclass(frozen=True, slots=True)
class Place:
    """One office a user works in, and the roles there."""

    office: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a user, acting in one office. `scopes` limit a token further than the role does."""

    user: str
    office: str
    roles: tuple[str, ...]
    places: tuple[Place, ...] = ()
    scopes: frozenset[str] = frozenset({EVERYTHING})

    @property
    def offices(self) -> tuple[str, ...]:
        """Every office this caller may act in."""
        return tuple(place.office for place in self.places)

    @property
    def actor(self) -> Actor:
        """Who asks, as PostgreSQL is told: the user, acting in this office."""
        return Actor(self.user, (self.office,))

    def acting_in(self, office: str) -> Caller:
        """The same user in another of their offices; raises Forbidden for one of others."""
        if office == self.office:
            return self
        for place in self.places:
            if place.office == office:
                return replace(self, office=office, roles=place.roles)
        raise Forbidden("You do not work in that office")


class Policy:
    """The roles of `access.toml` and the one question asked of them."""

    def __init__(self, roles: Iterable[AccountRole]) -> None:
        """Know the roles; a role that is not among them may nothing."""
        self.roles = {role.id: role for role in roles}

    @property
    def permissions(self) -> frozenset[str]:
        """Every permission that some role has."""
        return frozenset(word for role in self.roles.values() for word in role.may)

    def permissions_of(self, caller: Caller) -> frozenset[str]:
        """What this caller may ask: the roles' permissions, cut down to the token's scopes."""
        found = {w for name in caller.roles if name in self.roles for w in self.roles[name].may}
        return frozenset(found if EVERYTHING in caller.scopes else found & caller.scopes)

    def may(self, caller: Caller, *any_of: str) -> bool:
        """True when the caller has one of these permissions."""
        return not self.permissions_of(caller).isdisjoint(any_of)

    def check(self, caller: Caller, *any_of: str) -> None:
        """Raise Forbidden unless the caller has one of these permissions."""
        if not self.may(caller, *any_of):
            raise Forbidden

    def scopes_of(self, caller: Caller) -> frozenset[str]:
        """How far the caller's roles reach: task, organisation, province, corridor, all."""
        return frozenset(self.roles[name].scope for name in caller.roles if name in self.roles)

    def only_tasks(self, caller: Caller) -> bool:
        """True for callers who see nothing but the tasks their office holds."""
        return self.scopes_of(caller) <= {ONLY_TASKS}

    def sees_case(self, caller: Caller, case: Case) -> bool:
        """True when the whole case may be shown.

        The office must hold a role in the case, on the side that holds it, with no conflict of
        interest; whose role reaches only to tasks sees no case.
        """
        if ALL_CASES in self.scopes_of(caller):
            return True
        if self.only_tasks(caller) or is_other_side(case, caller.office):
            return False
        return takes_part(case, caller.office)

    def check_sees_case(self, caller: Caller, case: Case) -> None:
        """Raise NotFound, the same as for a case that does not exist."""
        if not self.sees_case(caller, case):
            raise NotFound

    def sees_task(self, caller: Caller, case: Case, step: str) -> bool:
        """True when the step may be shown: it is in the office's hands, or the whole case is."""
        if self.sees_case(caller, case):
            return True
        return not excluded(case, caller.office) and any(
            task.holder == caller.office for task in open_tasks(case) if task.step == step
        )

    def reaches(self, caller: Caller, case: Case, step: str = "") -> bool:
        """True when an act on this case, or on this step of it, may be looked at; else there is none.

        Whoever sees the case, holds or held a task of it, or was reached by an escalation. A refusal
        tells something of the step it is about, so nobody gets one about a step never theirs.
        """
        if self.sees_case(caller, case):
            return True
        if excluded(case, caller.office):
            return False
        office = caller.office
        return any(
            office in {task.holder, task.made_for, task.ended_by} or office in task.deciders
            for known, attempts in case.work.tasks.items()
            if step in {"", known}
            for task in attempts
        )


def takes_part(case: Case, office: str) -> bool:
    """True when the office holds a role in this case and no conflict of interest excludes it."""
    return not excluded(case, office) and office in case.work.roles.values()


def excluded(case: Case, office: str) -> bool:
    """True when a conflict of interest keeps the office out of this case, or it has no part."""
    found = case.work.offices.get(office)
    return found is None or found.excluded


def permission_of(act: str) -> str:
    """The permission an act of the core needs, as it declares it."""
    return ACTS[act].permission
