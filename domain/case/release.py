"""What may leave the house and when: field lists, consent, and the one question `may_leave`.

In doubt nothing leaves (domain.md P1, P3, P5; stories.md 4.2).
"""

from __future__ import annotations

from datetime import datetime

from domain.case import consent, facts
from domain.case.state import Case
from domain.work.hooks import Clearance
from domain.work.state import Message

# Messages that carry only reference, step and days late, and need no consent (stories.md 4.2).
BARE = frozenset({"reminder", "rung", "decision", "told", "postponed", "lapsed", "offer"})
PURPOSE_OF = {
    "notice": "return",
    "manifest": "return",
    "extract": "medical",
    "feedback": "reporting",
}


def is_other_side(case: Case, office: str) -> bool:
    """True when the office does not belong to the side that holds the case.

    Roles without a side are outside the house as well, but for the person and who speaks for her.
    """
    side = case.work.side_of_office(office)
    found = case.work.offices.get(office)
    if side or found is None:
        return bool(side) and not case.procedure.is_home(side)
    return found.role not in OWN


# Her own, and nobody's: what a supervisor gets carries nothing anyway.
OWN = frozenset({"person", "guardian"})


def child_is_cleared(case: Case, at: datetime) -> bool:
    """True for adults, and for a child with guardian (and best interests where needed) (4.2)."""
    if not case.is_child(at):
        return True
    return all(facts.holds(case, fact, at) for fact in case.procedure.child_needs)


def purpose_of(case: Case, message: Message) -> str:
    """The consent a message needs; empty when it needs none."""
    if message.kind == "request":
        card = case.card(message.step)
        return card.consent if card is not None else "share"
    return PURPOSE_OF.get(message.kind, "share")


def may_leave(case: Case, message: Message, at: datetime) -> Clearance:
    """Whether a message may leave at `at`, with what, and if not why not."""
    office = case.work.offices.get(message.to)
    if office is None:
        return Clearance(may=False, why="no such office")
    if office.excluded:
        return Clearance(may=False, why="excluded")
    if not may_hear(case, message.to):
        return Clearance(may=False, why="do_not_notify_state")
    listed = case.procedure.releases.get(message.kind, ())
    if message.kind == "offer":
        more = _of_request(case, message, at)
        return Clearance(may=True, carries=tuple(dict.fromkeys((*listed, *more))))
    if message.kind in BARE:
        return Clearance(may=True, carries=listed)
    if message.kind == "request":
        listed = _request_list(case, message)
    purpose = purpose_of(case, message)
    if not is_other_side(case, message.to) or _life_at_stake(case, message):
        return Clearance(may=True, carries=listed)
    if not child_is_cleared(case, at):
        return Clearance(may=False, why="guardian or best interests")
    if not consent.covers(case, purpose, message.to, at):
        return Clearance(may=False, why=f"no consent {purpose}")
    return Clearance(may=True, carries=_with_photo(case, listed, message.to, at))


def may_hear(case: Case, office: str) -> bool:
    """With do_not_notify_state nothing goes to the offices of her own state at all (4.2)."""
    if "do_not_notify_state" not in case.person.flags or not case.procedure.tells_country:
        return True
    return case.work.side_of_office(office) != "origin"


def _life_at_stake(case: Case, message: Message) -> bool:
    """A request whose card asks for no consent crosses without one: life is at stake (4.2)."""
    card = case.card(message.step)
    return message.kind == "request" and card is not None and not card.consent


def _request_list(case: Case, message: Message) -> tuple[str, ...]:
    card = case.card(message.step)
    return case.procedure.releases.get(card.shares, ()) if card is not None else ()


def _of_request(case: Case, message: Message, at: datetime) -> tuple[str, ...]:
    """What an offer may add: the fields of that step's request, if a consent covers the office."""
    card = case.card(message.step)
    if card is None or not card.shares:
        return ()
    listed = case.procedure.releases.get(card.shares, ())
    if not is_other_side(case, message.to):
        return _with_photo(case, listed, message.to, at)
    purpose = card.consent or next(iter(_purposes_of(case, card.shares)), "share")
    if purpose == "none":
        return listed
    if not child_is_cleared(case, at) or not consent.covers(case, purpose, message.to, at):
        return ()
    return _with_photo(case, listed, message.to, at)


def _purposes_of(case: Case, shares: str) -> list[str]:
    """The consent asked by the card that sends this list; `none` where it asks for none."""
    return [
        card.consent or "none"
        for card in case.procedure.cards.values()
        if card.shares == shares and any(o.sends for o in card.outcomes.values())
    ]


def _with_photo(case: Case, listed: tuple[str, ...], office: str, at: datetime) -> tuple[str, ...]:
    """A photo leaves only with its own consent, to whom that reaches (5.3, P17, stories.md 4.2)."""
    if consent.covers(case, "photo", office, at):
        return listed
    if not is_other_side(case, office) and any(consent.live(case, "photo", at)):
        return listed
    return tuple(word for word in listed if word != "photo")
