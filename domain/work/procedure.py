"""The rules as one case carries them: cards, ladders, calendars, who may do what, what may be told.

A running case never reads a rule file; it holds one `Plan`, written once and named by its digest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.work.calendar import Calendar
from domain.work.deadlines import Clock


@dataclass(frozen=True, slots=True)
class Need:
    """One condition of a start: facts joined by `or`; it counts only while all of `when` hold.

    The facts are the closed set of `domain/case/facts.py`.
    """

    any_of: tuple[str, ...]
    when: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What ending a step this way starts, opens, closes and ends; every field is rules."""

    name: str
    again: bool = False  # the same step once more with a full clock (stories.md 4.5)
    again_multiple_of: str = ""  # ... counted in multiples from this step:outcome
    ends_handover: bool = False  # takes the person back to planning
    withdraws: tuple[str, ...] = ()  # consents that end with it
    closes: tuple[str, ...] = ()  # gates it shuts until something newer opens them
    case: str = ""  # the state the case goes to
    skips_all_but: tuple[str, ...] = ()  # ... and the only steps it leaves open
    offers: tuple[str, ...] = ()  # steps offered although their own start has not come
    tells: tuple[str, ...] = ()  # roles that get the message `told`
    sends: str = ""  # the message that leaves with it
    sends_to: tuple[str, ...] = ()  # ... to these roles
    gates: tuple[str, ...] = ()  # gates that must be open for it
    needs: tuple[str, ...] = ()  # fields it cannot do without
    confirms: tuple[str, ...] = ()  # consents it confirms
    ends: bool = True  # False: known so far, the step may still be completed again
    restarts: tuple[str, ...] = ()  # steps made again when this one is repeated


@dataclass(frozen=True, slots=True)
class Card:
    """One step of the rules. A watch is a card without an actor's outcome."""

    id: str
    title: str
    track: str
    kind: str
    owner: str
    source: str
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    after: tuple[Need, ...] = ()
    applies_to: tuple[str, ...] = ()  # facts that must all hold, judged live
    within: Clock | None = None
    counts_from: tuple[str, ...] = ()  # facts; empty: the last of `after`
    before_handover: Clock | None = None  # due this long before the planned day
    offered_before_handover: Clock | None = None  # not offered, nor completed, earlier than this
    at_handover: bool = False  # due at the planned moment
    before_valid: Clock | None = None  # due this long before the paper named by `paper` ends
    paper: str = ""  # the step whose valid_until counts
    valid_for: Clock | None = None  # how long its own outcome stands without valid_until
    only_if_lapsing: bool = False  # made for a plan only if the old one would lapse before it
    dated: bool = False  # belongs to a handover plan and ends with it
    ladder: str = ""
    recorded_by: tuple[str, ...] = ()
    waivable_by: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()  # facts that must hold when it is completed
    consent: str = ""  # purpose without which it cannot be completed
    shares: str = ""  # list of releases.toml that its request and offer may carry
    early: bool = False  # may be completed before it is offered
    repeat_after: tuple[str, ...] = ()  # facts under which a done step may be done again
    not_by: tuple[str, ...] = ()  # steps whose actor may not act here
    pauses: bool = True  # a hold stops its clock
    aside: bool = False  # does not count for turn and sentence while another step is open
    do_not_notify: bool = False  # falls away when her country must not be told
    unknown_when_late: bool = False
    watch: bool = False
    ends: tuple[str, ...] = ()  # a watch ends when one of these holds
    warns: tuple[tuple[str, Clock], ...] = ()  # rungs before an end: ("E0", 30 days)
    at_once: str = ""  # flag or alarm that puts it at the top rung at once
    reports: tuple[tuple[str, Clock], ...] = ()  # events some time after its start
    calendar: str = ""  # the side whose calendar counts, where it is not the acting office's
    lapses_to: str = ""  # flag set when its paper ends
    tells_lapse: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rung:
    """One level of a ladder, counted from the due moment."""

    name: str
    after: Clock
    to: tuple[str, ...]  # recipients: roles, or the words of ladders.toml
    decides: bool
    records: str = ""  # an event it leaves, as agenda_item


@dataclass(frozen=True, slots=True)
class Ladder:
    """Ordered rungs; the last is the top that danger to life goes to at once."""

    id: str
    rungs: tuple[Rung, ...]
    remind: tuple[str, ...] = ("owner",)


@dataclass(frozen=True, slots=True)
class GateRule:
    """What opens a gate: answers to steps (`STEP:outcome|outcome`), a consent, or the world.

    Every one of `opened_by` must be so, as its newest attempt says.
    """

    opened_by: tuple[str, ...] = ()
    chain: bool = False  # each asks the next: the last alone opens, the others tell what is missing
    lasts: bool = False  # the answer must still stand on the planned day, and today
    stands: bool = False  # an answer counts on while the step is asked anew
    of_handover: bool = False  # only answers given for the plan that stands
    unless: tuple[str, ...] = ()  # facts that shut it whatever was answered: `bar`
    also: Mapping[str, str] = field(
        default_factory=dict
    )  # an answer that wants another one with it


@dataclass(frozen=True, slots=True)
class Procedure:
    """Everything the rules say for one corridor, as one case carries it."""

    corridor: str
    host: str  # country codes
    origin: str
    home: str  # "host" or "origin": the side whose offices hold the case
    version: str
    cards: Mapping[str, Card]
    ladders: Mapping[str, Ladder]
    calendars: Mapping[str, Calendar]
    recipients: Mapping[str, tuple[str, ...]]  # words of ladders.toml -> roles of this corridor
    gates: Mapping[str, tuple[str, ...]]  # where asked -> gates
    gate_rules: Mapping[str, GateRule]  # gate -> what opens it
    access: Mapping[str, tuple[str, ...]]  # act -> roles that may
    purposes: Mapping[str, tuple[str, ...]]  # consent purpose -> roles it covers
    releases: Mapping[str, tuple[str, ...]]  # field list -> words of stories.md 2.5
    views: Mapping[str, tuple[str, ...]]  # view -> words shown
    child_needs: tuple[str, ...]  # facts without which nothing of a child leaves
    consent_lasts: Clock
    consent_confirmed_within: Clock
    idle_after: Clock
    departs_after_outcome: str = "handover:handed_over"
    sends_with_handover: str = ""  # the message that leaves with each handover plan
    sends_with_handover_to: tuple[str, ...] = ()  # ... to these roles

    def is_home(self, side: str) -> bool:
        """True for the side whose offices hold the subject."""
        return side == self.home

    @property
    def tells_country(self) -> bool:
        """True where her own state is the other side, and hears only what is sent to it."""
        return self.home != "origin"

    @property
    def countries(self) -> Mapping[str, str]:
        """Side -> country."""
        return {"host": self.host, "origin": self.origin}

    @property
    def home_country(self) -> str:
        """The country whose offices hold the subject."""
        return self.countries[self.home]

    def home_role(self, post: str) -> str:
        """The role of a post on the side that holds the case, as `host.case`."""
        return f"{self.home}.{post}"

    def calendar(self, country: str) -> Calendar:
        """The country's calendar; one that no table names is Monday to Friday at +07:00."""
        return self.calendars.get(country) or Calendar(country)


def side_of(role: str) -> str:
    """`host`, `origin`, `transit`, or empty for roles without a side."""
    side, dot, _ = role.partition(".")
    return side if dot else ""
