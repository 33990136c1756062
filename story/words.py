"""Every word a story file may use, as data (the contract of stories, parts 2.1 to 2.7).

It says which words exist and which keys belong together, never what they do to a case.
"""

from dataclasses import dataclass

from domain.act import Act
from domain.case.core import ACTS

CORRIDORS = (
    "th-la",
    "th-mm",
    "th-kh",
    "th-vn",
    "my-th",
    "my-mm",
    "la-th",
    "mm-th",
    "transit",
    "committee-district",
)

# 2.1 Roles -----------------------------------------------------------------------------------

SIDES = ("host", "origin", "transit")
_EVERY_SIDE = (
    "desk",
    "case",
    "shelter",
    "team",
    "police",
    "immigration",
    "prosecutor",
    "health",
    "province",
    "committee",
    "focal",
    "national",
    "payer",
)
ROLES = (
    *(f"{side}.{post}" for side in SIDES for post in _EVERY_SIDE),
    "origin.identity",
    "origin.tracing",
    "origin.embassy",
    "origin.reception",
    "ngo",
    "escort",
    "person",
    "guardian",
    "admin",
)

# 2.2 Steps and outcomes ----------------------------------------------------------------------

_TRACING = ("found_safe", "found_unsafe", "family_refuses", "not_found")
_LOCAL = ("confirmed", "refused", "more_information")
_REVIEW = ("keep", "end")
FOLLOW_UPS = ("1m", "3m", "6m", "12m", "18m", "24m")
ALLOWANCES = ("accommodation", "compensation", "subsistence", "occupational")
_ALLOWANCE_STEPS = {
    "request": ("requested",),
    "approval": ("approved", "refused"),
    "payment": ("paid",),
    "receipt": ("received",),
}

STEPS: dict[str, tuple[str, ...]] = {
    "report": ("accepted", "duplicate", "not_ours"),
    "rescue_request": ("sent",),
    "rescue_acknowledgement": ("acknowledged", "refused"),
    "exit": ("out", "still_inside", "lost_contact"),
    "screening": ("presumed_victim", "not_presumed"),
    "placement": ("placed", "declined"),
    "identification": ("victim", "not_victim", "undetermined"),
    "guardian": ("appointed",),
    "rights": ("told",),
    "needs": ("assessed",),
    "compensation_rights": ("claim_wanted", "no_claim"),
    "best_interests": ("approved", "not_approved"),
    "tracing_request": ("sent",),
    "tracing_acknowledgement": ("acknowledged",),
    "tracing": _TRACING,
    "second_tracing": _TRACING,
    "verification_request": ("sent",),
    "verification": ("confirmed", "refused", "undetermined", "more_information"),
    "verification_local": _LOCAL,
    "verification_central": _LOCAL,
    "protection_route": ("opened", "granted", "refused"),
    "return_decision": ("return", "stay", "third_country"),
    "return_plan": ("agreed", "not_agreed"),
    "travel_document": ("issued", "refused"),
    "exit_clearance": ("cleared", "refused"),
    "fitness": ("fit", "fit_with_escort", "not_fit"),
    "bed": ("confirmed", "no_bed"),
    "final_safety_host": ("go", "no_go"),
    "final_safety_origin": ("go", "no_go"),
    "notice": ("sent",),
    "notice_acceptance": ("accepted", "refused"),
    "voluntariness": ("yes", "no"),
    "handover": ("handed_over", "absent", "refused", "held"),
    "certificate": ("countersigned",),
    "reception": ("arrived", "not_arrived"),
    "reunification": ("with_family", "alternative", "family_refuses"),
    **{f"follow_up/{month}": ("safe", "at_risk", "lost_contact") for month in FOLLOW_UPS},
    **{f"feedback/{month}": ("sent",) for month in FOLLOW_UPS},
    **{
        f"allowance/{kind}/{part}": outcomes
        for kind in ALLOWANCES
        for part, outcomes in _ALLOWANCE_STEPS.items()
    },
    "stay_permit": ("granted", "refused"),
    "stay_permit/renewal": ("granted", "refused"),
    "protection_order": ("made", "ended"),
    "protection_order/renewal": ("granted", "refused"),
    "claim": ("ordered", "dismissed", "withdrawn", "pending"),
    "payment_review": ("paid", "unpaid"),
    "hold_review": _REVIEW,
    "bar_review": _REVIEW,
    "closure": ("closed", "returned_legal_open"),
    # A committee's year.
    "plan/annual": ("adopted",),
    **{f"meeting/q{quarter}": ("held",) for quarter in (1, 2, 3, 4)},
    "training/yearly": ("held",),
    "handover_pack": ("made",),
    "successor_signature": ("signed",),
    "chief_training": ("held",),
}

WATCHES = ("in_care", "unconfirmed", "detained")

# 2.3 What can be done ------------------------------------------------------------------------


@dataclass(frozen=True)
class Do:
    """The keys an act of one kind must have, and those it may have besides `ACT_KEYS`."""

    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()


ACT_KEYS = ("at", "happened", "by", "user", "for", "who", "do", "reason", "refused")

# Acts that are not yet done, and keys that a story may give though the act itself needs no field
# for them (a leg of the way, a batch, what a note says under `reason`).
LATER: dict[str, Do] = {
    "add_segment": Do(needs=("corridor",), may=("country",)),
    "check_in": Do(may=("segment", "crossing", "batch")),
    "arrive": Do(may=("segment", "crossing", "batch")),
    "leave_group": Do(),
    "add_person": Do(may=("batch",)),
    "move_batch": Do(needs=("batch",)),
}
_ALSO: dict[str, tuple[str, ...]] = {
    "plan_handover": ("segment",),
    "depart": ("segment", "crossing", "batch"),
    "close": ("result",),
    "withdraw_consent": ("receiver",),
    "lift_bar": ("owner",),
}
_OPTIONAL_HERE: dict[str, tuple[str, ...]] = {"note": ("step", "note"), "lift_bar": ("kind",)}
_NOT_HERE = frozenset({"evidence", "note"})  # stand in `result`, and under `reason`


def _do(act: Act) -> Do:
    """The keys of an act as the core declares it."""
    optional = _OPTIONAL_HERE.get(act.name, ())
    needs = tuple(name for name in act.needed if name not in optional)
    own = (name for name in act.kinds if name not in {*needs, *_NOT_HERE})
    return Do(needs=needs, may=(*own, *_ALSO.get(act.name, ())))


DO: dict[str, Do] = {
    **{name: _do(act) for name, act in ACTS.items() if act.permission},
    **LATER,
}

DECISIONS = ("extend", "reassign", "waive", "refer_up", "cancel")
# What a decision needs besides its reason.
DECISION_NEEDS: dict[str, tuple[str, ...]] = {"extend": ("due",), "reassign": ("to",)}
PURPOSES = (
    "services",
    "tracing",
    "notify_state",
    "share",
    "return",
    "photo",
    "medical",
    "reporting",
)
ALARMS = ("in_danger", "gone", "refuses")
BARS = ("witness", "warrant", "court")
FACTS = ("born", "sex", "country", "outcome")
DISTURBANCES = ("kill worker", "kill server", "stop database N s", "continue as new")

# 2.4 What can be expected --------------------------------------------------------------------

STATES = (
    "waiting",
    "offered",
    "accepted",
    "done",
    "held",
    "skipped",
    "not_applicable",
    "absent",
)
RUNGS = ("none", "E0", "E1", "E2", "E3", "E4", "E5")
ESCALATIONS = ("none", "open", "decided", "overtaken")
CASES = ("open", "on_hold", "returned", "returned_legal_open", "closed", "cancelled")
GATES = (
    "consent",
    "identity",
    "document",
    "legal",
    "safety",
    "fitness",
    "receiving",
    "reintegration",
    "compensation",
    "crossing",
)
TURNS = ("host", "origin", "partner", "person", "nobody")
MESSAGES = (
    "offer",
    "reminder",
    "rung",
    "decision",
    "told",
    "notice",
    "manifest",
    "postponed",
    "request",
    "extract",
    "feedback",
    "lapsed",
    "any",
)
VIEWS = ("task", "case", "stalled", "inbox", "group", "export")
EVENTS = ("due_moved", "answered_in_time", "agenda_item", "national_report", "rung_skipped")
GROUP_COUNTS = (*CASES, "pending")

# The words looked for on a step or a watch; each needs `step` or `watch` beside it.
ON_A_STEP = (
    "state",
    "holder",
    "due",
    "outcome",
    "rung",
    "reminders",
    "late_days",
    "age_days",
    "escalation",
    "next",
)
# The words that only say something beside one of those named.
BESIDE: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(ON_A_STEP, ("step", "watch")),
    "open": ("gate",),
    "why": ("gate",),
    "times": ("message", "event"),
    "version": ("message",),
    "carries": ("message",),
    "lacks": ("message", "seen_by"),
    "view": ("seen_by",),
    "shows": ("seen_by",),
    "old": ("event",),
    "new": ("event",),
    "by": ("event",),
    "to": ("step", "watch", "message"),
}
# The words that say something by themselves or with those of BESIDE.
ABOUT = (
    "case",
    "gate",
    "sentence_has",
    "turn",
    "forecast",
    "bar",
    "flag",
    "segment",
    "message",
    "seen_by",
    "event",
    "group",
    "manifest_versions",
)
EXPECTED = ("step", "watch", *ABOUT, *BESIDE)
EXPECT_KEYS = ("at", "who", "within", *EXPECTED)
NEVER_KEYS = ("from", "until", "who", *EXPECTED)

# 2.5 Data words, 2.6 flags, 2.7 errors -------------------------------------------------------

DATA = (
    "reference",
    "names",
    "birth_date",
    "age",
    "sex",
    "places",
    "relatives",
    "photo",
    "document_numbers",
    "counts",
    "needs",
    "date",
    "crossing",
    "postponed",
    "reason",
    "outcome",
    "caregiver",
    "risks",
    "home_address",
    "shelter",
    "exploitation",
    "health",
    "medicine",
    "court",
    "warrant",
    "suspects",
    "narrative",
    "owner",
    "review",
    "bar",
)
FLAGS = (
    "undocumented",
    "detained",
    "in_danger",
    "do_not_notify_state",
    "warrant",
    "medical",
    "witness",
    "stateless_risk",
    "third_national",
    "protection_lapsed",
)
CONFLICT = "conflict:"  # the flag that names a party: conflict:PARTY

# In the order in which they are looked for.
ERRORS = (
    "unknown-step",
    "unknown-outcome",
    "in-the-future",
    "not-yours",
    "do-not-notify",
    "needs-new-evidence",
    "already-paid",
    "conflict",
    "missing-field",
    "invalid-field",
    "own-request",
    "no-consent",
    "not-waivable",
    "closed-gate",
    "legal-open",
    "wrong-state",
    "nobody-there",
)

# A view may show any word of 2.2, 2.4 and 2.6 as a state ("unknown" is a follow-up past due).
SHOWN = frozenset(
    (
        *DATA,
        *STEPS,
        *(outcome for outcomes in STEPS.values() for outcome in outcomes),
        *WATCHES,
        *EXPECTED,
        *STATES,
        *RUNGS,
        *ESCALATIONS,
        *CASES,
        *GATES,
        *TURNS,
        *MESSAGES,
        *VIEWS,
        *EVENTS,
        *GROUP_COUNTS,
        *FLAGS,
        *BARS,
        "unknown",
        "withdrawn",
        "lapsed",
        "closed",
    )
)

# The other tables ----------------------------------------------------------------------------

TOP_KEYS = (
    "title",
    "opens",
    "zone",
    "rules",
    "policy",
    "calendars",
    "segment",
    "person",
    "parties",
    "act",
    "world",
    "disturb",
    "expect",
    "never",
)
SEGMENT_KEYS = ("corridor", "country")
PERSON_KEYS = ("id", "count", "born", "age", "sex", "country", "flags", "batch")
PARTY_KEYS = ("role", "name", "head", "deputy", "vacant", "under")
CALENDAR_KEYS = ("off", "on", "closes", "use")
DISTURB_KEYS = ("at", "do")
# What a [[world]] table can be about, each with its keys.
WORLDS: dict[str, tuple[str, ...]] = {
    "calendar": CALENDAR_KEYS,
    "crossing": ("status",),
    "party": ("head", "deputy", "vacant", "excluded", "from"),
    "rules": (),
}
CROSSING_STATUS = ("open", "closed")

# What this release can read but not play -----------------------------------------------------

PLAYABLE_CORRIDORS = ("th-la", "la-th", "th-vn")
LATER_ACTS = tuple(LATER)
LATER_EXPECTATIONS = ("group",)
LATER_VIEWS = ("group", "export")
