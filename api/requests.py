"""What can be asked of a case, as it comes in: one model for JSON and for the forms of the pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from api.fields import (
    SHOWN,
    BirthDay,
    Country,
    Day,
    DayOrMoment,
    FreeText,
    Line,
    Moment,
    RehearsalMoment,
    Version,
    Word,
)
from api.patterns import RESULT_KEY

Do: TypeAlias = Literal[
    "accept",
    "decline",
    "complete",
    "return",
    "withdraw",
    "note",
    "promise",
    "alarm",
    "hold",
    "resume",
    "extend",
    "reassign",
    "skip",
    "correct",
    "cancel",
    "close",
    "reopen",
    "adopt_rules",
    "plan_handover",
    "depart",
    "decide",
    "consent",
    "withdraw_consent",
    "flag",
    "unflag",
    "bar",
    "lift_bar",
]


def _as_text(value: Any) -> Any:
    """Numbers of a result are kept as they are written; true and false as words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, int) else value


ResultText = Annotated[FreeText, BeforeValidator(_as_text)]
Result = Annotated[
    dict[Annotated[str, Field(pattern=RESULT_KEY)], ResultText],
    Field(max_length=20),
    WithJsonSchema(
        {
            "type": "object",
            "maxProperties": 20,
            "propertyNames": {"pattern": RESULT_KEY},
            "additionalProperties": {
                "anyOf": [
                    {"type": "string", "minLength": 1, "maxLength": 4000, **SHOWN},
                    {"type": "integer"},
                    {"type": "boolean"},
                ]
            },
            "examples": [{"amount": "300000.00", "currency": "THB"}],
        }
    ),
]


OLDEST = 120


def _age(value: Any) -> Any:
    """One sentence for whatever is wrong, also from a form, where a number is text."""
    if isinstance(value, str) and value.isdecimal() and len(value) <= len(str(OLDEST)):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # 24.0 is a whole number in JSON
    known = value == "unknown" or (type(value) is int and 0 <= value <= OLDEST)
    if not known:
        raise ValueError(f"must be a whole number of years from 0 to {OLDEST}, or unknown")
    return value


Age = Annotated[
    int | Literal["unknown"],
    BeforeValidator(_age),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 0, "maximum": OLDEST}, {"const": "unknown"}]}
    ),
]


class Strict(BaseModel):
    """A request. A field that does not exist is refused by name."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, frozen=True)


class Asking(Strict):
    """What every act may say: in which office, for whom, when it was so, what was seen before."""

    by: Word | None = Field(
        default=None,
        description="The office that records it, when you work in several. Default: your token's.",
        examples=["th-ubon-case"],
    )
    for_: Word | None = Field(
        default=None,
        alias="for",
        description="The office (or role, as `origin.tracing`) that answered by letter or phone.",
        examples=["origin.tracing"],
    )
    happened: Moment | None = Field(
        default=None, description="When it was so, if that was before now. Never in the future."
    )
    version: Version | None = Field(
        default=None,
        description="The version of the case you had before you. If somebody else ended the same "
        "thing after it, you get a conflict.",
    )


class Asked(Asking):
    """An act on a case, with any of the fields that its kind needs."""

    do: Do = Field(description="What is done; the words of the rules.", examples=["hold"])
    step: Word | None = Field(default=None, examples=["tracing"])
    outcome: Word | None = Field(default=None, examples=["found_safe"])
    reason: FreeText | None = Field(
        default=None, description="In your words. It is kept apart from the case and the engine."
    )
    note: FreeText | None = None
    due: DayOrMoment | None = None
    until: Day | None = None
    review: Day | None = None
    date: DayOrMoment | None = None
    valid_until: Day | None = None
    to: Word | None = Field(default=None, description="An office, or a role of this case.")
    decision: Word | None = Field(default=None, examples=["extend"])
    purpose: Word | None = Field(default=None, examples=["tracing"])
    receiver: Word | None = None
    flag: Word | None = Field(default=None, examples=["in_danger"])
    kind: Word | None = Field(default=None, examples=["witness"])
    owner: Word | None = None
    fact: Word | None = Field(default=None, examples=["born"])
    value: Line | None = None
    crossing: Word | None = Field(default=None, examples=["nong-khai"])
    receiving: Word | None = None
    approved_by: Word | None = Field(default=None, description="The user who approves a closure.")
    result: Result | None = Field(
        default=None,
        description="The fields of this kind of step, as `amount` and `currency`.",
    )


_EVERY_ACT = frozenset({"do", "reason", *Asking.model_fields})
_OF_TASKS = ("step",)
USED: Mapping[str, frozenset[str]] = {
    do: _EVERY_ACT | frozenset(names)
    for do, names in {
        "accept": _OF_TASKS,
        "decline": _OF_TASKS,
        "complete": ("step", "outcome", "valid_until", "until", "review", "kind", "approved_by",
                     "result"),
        "return": _OF_TASKS,
        "withdraw": _OF_TASKS,
        "note": ("step", "note"),
        "promise": ("step", "date"),
        "alarm": ("step", "kind"),
        "hold": ("until",),
        "resume": (),
        "extend": ("step", "due"),
        "reassign": ("step", "to"),
        "skip": _OF_TASKS,
        "correct": ("fact", "value", "step"),
        "cancel": (),
        "close": ("approved_by",),
        "reopen": (),
        "adopt_rules": (),
        "plan_handover": ("date", "crossing", "receiving"),
        "depart": (),
        "decide": ("step", "decision", "due", "to"),
        "consent": ("purpose", "receiver", "until"),
        "withdraw_consent": ("purpose",),
        "flag": ("flag",),
        "unflag": ("flag",),
        "bar": ("kind", "owner", "review"),
        "lift_bar": ("kind",),
    }.items()
}  # fmt: skip


def unused(given: Asked) -> str:
    """The first field that this kind of act does not read; empty when all are.

    Whoever names a step with `hold` believes that only the step is held.
    """
    said = (name for name in type(given).model_fields if getattr(given, name) is not None)
    return next((name for name in said if name not in USED[given.do]), "")


def asked(do: Do, given: Asking, **more: Any) -> Asked:
    """Return the act that a route of its own stands for."""
    fields = given.model_dump(exclude_none=True, by_alias=True)
    return Asked.model_validate({**fields, **more, "do": do})


# -- acts with a route of their own


class Accept(Asking):
    """We will do it."""


class Decline(Asking):
    """We cannot do it, or we hand it back."""

    reason: FreeText


class Complete(Asking):
    """It is done, and this came of it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "outcome": "found_safe",
                "for": "origin.tracing",
                "happened": "2026-02-20T15:00:00+07:00",
                "result": {"channel": "letter"},
            }
        }
    )

    outcome: Word
    reason: FreeText | None = None
    valid_until: Day | None = None
    until: Day | None = None
    review: Day | None = None
    kind: Word | None = None
    approved_by: Word | None = None
    result: Result | None = None


class Note(Asking):
    """Something worth keeping."""

    note: FreeText


class Promise(Asking):
    """The day by which it will be done; quiets reminders, not lateness."""

    date: DayOrMoment


class Alarm(Asking):
    """Something is wrong with the person."""

    kind: Literal["in_danger", "gone", "refuses"]
    reason: FreeText | None = None


class ForCorrection(Asking):
    """It must be done once more."""

    reason: FreeText | None = None


class Decide(Asking):
    """The end of an escalation."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "decision": "extend",
                "due": "2026-05-04",
                "reason": "The village is cut off until the road is mended.",
            }
        }
    )

    decision: Literal["extend", "reassign", "waive", "refer_up", "cancel"]
    reason: FreeText
    due: DayOrMoment | None = None
    to: Word | None = None


# -- opening a case


class NewPerson(Strict):
    """Who the case is about. Kept in a table of its own; lists and the engine never see it."""

    name: Line = Field(examples=["Noi S."])
    contact: FreeText | None = Field(default=None, examples=["+66 80 000 0000, after six"])


class Open(Strict):
    """A first report."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "corridor": "th-la",
                "born": "2001-07-01",
                "sex": "female",
                "flags": ["undocumented"],
                "person": {"name": "Noi S.", "contact": "through the shelter"},
            }
        }
    )

    corridor: Word = Field(description="Where the person is and where home is.")
    born: BirthDay | None = Field(
        default=None, description="Goes before `age`; without both the person counts as a child."
    )
    age: Age | None = None
    sex: Literal["female", "male", "other", "unknown"] = "unknown"
    country: Country | None = Field(
        default=None, description="Of nationality, if not the corridor's home country."
    )
    flags: list[Word] = Field(default_factory=list, max_length=20)
    person: NewPerson
    province: Line | None = Field(
        default=None,
        description="Whose offices take it; default: the province of your own office.",
    )
    offices: dict[Word, Word] = Field(
        default_factory=dict,
        max_length=60,
        description="Role to office, where the register's choice is not the right one.",
        examples=[{"host.case": "th-ubon-case"}],
    )
    opens: RehearsalMoment | None = Field(
        default=None,
        description="Only in a rehearsal: the moment of the first report, on the case's own clock.",
    )


class PersonRecord(NewPerson):
    """Everything kept about who the person is."""

    born: BirthDay | None = None
    sex: Literal["female", "male", "other", "unknown"] | None = None


def without_nothing(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the fields of a form that were not filled in."""
    return {name: value for name, value in fields.items() if value not in (None, "")}
