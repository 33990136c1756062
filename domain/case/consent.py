"""Consents: which are live, for whom they count, when the next one ends (stories.md 3.5, 4.2)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from domain.case.person import Consent
from domain.case.state import Case
from domain.work.calendars import calendar_here


def ends_at(case: Case, consent: Consent) -> datetime:
    """Local midnight at the end of its last day, where the person is."""
    return calendar_here(case).end_of(consent.until)


def is_live(case: Case, consent: Consent, at: datetime) -> bool:
    """Given, not withdrawn, not lapsed: by the guardian for a child, by herself for an adult (4.2).

    What a child said does not begin to count on her birthday, and nobody says yes for an adult.
    """
    withdrawn = consent.withdrawn_at is not None and consent.withdrawn_at <= at
    if withdrawn or at >= ends_at(case, consent):
        return False
    return consent.by_guardian == case.is_child(consent.given_at)


def live(case: Case, purpose: str, at: datetime) -> Iterator[Consent]:
    """Every live consent for a purpose, oldest first."""
    for consent in case.person.consents:
        if consent.purpose == purpose and is_live(case, consent, at):
            yield consent


def covers(case: Case, purpose: str, office: str, at: datetime) -> bool:
    """True when a live consent lets this office receive what the purpose is about."""
    return any(_reaches(case, consent, office) for consent in live(case, purpose, at))


def _reaches(case: Case, consent: Consent, office: str) -> bool:
    if consent.receiver:
        return consent.receiver == office
    roles = case.procedure.purposes.get(consent.purpose, ())
    return "*" in roles or any(case.work.office_of(role) == office for role in roles)


def since(case: Case, purpose: str, at: datetime) -> datetime | None:
    """When the live consent began to count; None without one."""
    return next((consent.given_at for consent in live(case, purpose, at)), None)


def why_not(case: Case, purpose: str, at: datetime) -> str:
    """What shut it: withdrawn, lapsed, guardian, or simply that nobody gave it."""
    given = [c for c in case.person.consents if c.purpose == purpose]
    if not given:
        return f"no consent {purpose}"
    newest = given[-1]
    if newest.withdrawn_at is not None:
        return "withdrawn"
    if at >= ends_at(case, newest):
        return "lapsed"
    return "guardian"


def next_end(case: Case) -> tuple[datetime, str] | None:
    """When the next consent ends by itself, and which; one already recorded is past."""
    ends = [
        (ends_at(case, c), c.purpose)
        for c in case.person.consents
        if c.withdrawn_at is None and not c.lapsed
    ]
    return min(ends, default=None)
