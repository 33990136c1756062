"""What can be asked of a case, as it comes in: one model for JSON and for the forms of the pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    create_model,
)

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
from domain.act import Act
from domain.case import core

# What people may ask for: every act of the core but those of the world.
ACTS: Mapping[str, Act] = {name: act for name, act in core.ACTS.items() if act.permission}
Do: TypeAlias = Literal[tuple(ACTS)]  # type: ignore[valid-type]  # made from the declarations


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


# How a field of each kind (`domain/act.py`) is typed in a request.
TYPES: Mapping[str, Any] = {
    "step": Word,
    "word": Word,
    "office": Word,
    "user": Word,
    "line": Line,
    "text": FreeText,
    "day": Day,
    "day_or_moment": DayOrMoment,
    "result": Result,
}
NOTES: Mapping[str, Any] = {
    "step": {"examples": ["tracing"]},
    "outcome": {"examples": ["found_safe"]},
    "reason": {"description": "In your words. It is kept apart from the case and the engine."},
    "to": {"description": "An office, or a role of this case."},
    "decision": {"examples": ["extend"]},
    "purpose": {"examples": ["tracing"]},
    "flag": {"examples": ["in_danger"]},
    "fact": {"examples": ["born"]},
    "crossing": {"examples": ["nong-khai"]},
    "approved_by": {"description": "The user who approves a closure."},
    "result": {"description": "The fields of this kind of step, as `amount` and `currency`."},
}


def _fields(kinds: Mapping[str, str], needed: Iterable[str] = ()) -> dict[str, Any]:
    """Fields of a model, out of the kinds that acts declare."""
    made: dict[str, Any] = {}
    for name, kind in kinds.items():
        if kind in TYPES:
            must = name in needed
            wanted = TYPES[kind] if must else TYPES[kind] | None
            made[name] = (wanted, Field(default=... if must else None, **NOTES.get(name, {})))
    return made


_ALL = {name: kind for act in ACTS.values() for name, kind in act.kinds.items()}


class Doing(Asking):
    """An act on a case, of any kind."""

    do: Do = Field(description="What is done; the words of the rules.", examples=["hold"])

    def given(self, name: str) -> Any:
        """What was said under this name; None where nothing was."""
        return getattr(self, name, None)


ActRequest: type[Doing] = create_model(
    "ActRequest",
    __base__=Doing,
    __doc__="An act on a case, with the fields that its kind takes.",
    **_fields({**_ALL, "reason": "text"}),
)

_EVERY_ACT = frozenset({"do", "reason", *Asking.model_fields})
USED: Mapping[str, frozenset[str]] = {
    name: _EVERY_ACT | frozenset(act.kinds) - {"evidence"} for name, act in ACTS.items()
}


def unused(given: Doing) -> str:
    """The first field that this kind of act does not read; empty when all are.

    Whoever names a step with `hold` believes that only the step is held.
    """
    said = (name for name in type(given).model_fields if given.given(name) is not None)
    return next((name for name in said if name not in USED[given.do]), "")


def act_request(do: str, given: Asking, **more: Any) -> Doing:
    """Return the act that a route of its own stands for."""
    fields = given.model_dump(exclude_none=True, by_alias=True)
    return ActRequest.model_validate({**fields, **more, "do": do})


def on_step(do: str) -> type[Asking]:
    """The body of the route of an act on a step: its fields, but for the step in the address."""
    act = ACTS[do]
    kinds = {name: kind for name, kind in act.kinds.items() if name != "step"}
    model: type[Asking] = create_model(
        f"{do.title().replace('_', '')}Request",
        __base__=Asking,
        __doc__=act.takes.__doc__,
        **_fields({**kinds, "reason": "text"}, act.needed),
    )
    return model


# -- opening a case


class NewPerson(Strict):
    """Who the case is about. Kept in a table of its own; lists and the engine never see it."""

    name: Line = Field(examples=["Noi S."])
    contact: FreeText | None = Field(default=None, examples=["+66 80 000 0000, after six"])


class OpenCaseRequest(Strict):
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
