"""What the fields of a request may hold: words, texts, dates. Wrong ones are named, never repeated."""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    StringConstraints,
    WithJsonSchema,
)

FIRST_YEAR, LAST_YEAR = 1900, 2199
NEAR = (1970, 2089)
BUDDHIST_FROM = 2400
BUDDHIST_AHEAD = 543
DEEPEST = 6

# Signs that turn the direction of writing around, or are not seen: they hide what a text says.
HIDING = frozenset("\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
BLANKS = (
    "\t\n\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b"
    "\u200c\u200d\u202f\u205f\u3000"
)
LINE_SIGNS = frozenset("\n\r\t")
MOST_MARKS = 8  # combining marks on one letter; no living script stacks more

YEAR_FIRST = re.compile(r"\s*[+-]?(\d{4,})-")


# -- dates


def _sensible_year(value: Any) -> Any:
    """Look at the year as it was typed, before it is read as a date."""
    if isinstance(value, bool | int | float):
        raise ValueError("must be a date written as text, as 2026-03-05")  # noqa: TRY004 - see below
    if isinstance(value, str):
        found = YEAR_FIRST.match(value)
        if found is not None:
            _check_year(int(found.group(1)))
    return value


def _check_year(year: int) -> None:
    if FIRST_YEAR <= year <= LAST_YEAR:
        return
    western = year - BUDDHIST_AHEAD
    if year > BUDDHIST_FROM and FIRST_YEAR <= western <= LAST_YEAR:
        raise ValueError(f"the year {year} looks Buddhist; write {western}")
    raise ValueError(f"must be a year from {FIRST_YEAR} to {LAST_YEAR}")


def _whole_second(value: datetime) -> datetime:
    return value.replace(microsecond=0)


def _day_or_moment(value: Any) -> date | datetime:
    """A date stays a date; with a time it is a moment and needs its offset."""
    value = _sensible_year(value)
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return value
    if not isinstance(value, str):
        raise ValueError("must be a date, as 2026-03-05, or a moment with its offset")  # noqa: TRY004 - pydantic hears only ValueError
    try:
        if len(value) == len("2026-03-05"):
            return date.fromisoformat(value)
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("must be a date, as 2026-03-05, or a moment with its offset") from None
    if moment.tzinfo is None:
        raise ValueError("a moment needs its offset, as 2026-03-05T10:00:00+07:00")
    return moment.replace(microsecond=0)


def _within_reach(value: datetime) -> datetime:
    """A case's clock is kept as seconds from now; sixty years either way are enough."""
    if not NEAR[0] <= value.year <= NEAR[1]:
        raise ValueError(f"must be a year from {NEAR[0]} to {NEAR[1]}")
    return value


YEARS = "(19|20|21)[0-9]{2}"
DAY = f"^{YEARS}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
TIME = "T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])$"
A_DAY = {"type": "string", "format": "date", "pattern": f"{DAY}$", "examples": ["2026-04-30"]}
A_MOMENT = {
    "type": "string",
    "format": "date-time",
    "pattern": DAY + TIME,
    "examples": ["2026-03-05T10:00:00+07:00"],
}

Day = Annotated[date, BeforeValidator(_sensible_year), WithJsonSchema(A_DAY)]
Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_sensible_year),
    AfterValidator(_whole_second),
    WithJsonSchema(A_MOMENT),
]
BirthDay = Annotated[
    date,
    BeforeValidator(_sensible_year),
    WithJsonSchema(A_DAY | {"pattern": f"{DAY}$".replace(YEARS, "(19[1-9][0-9]|20[01][0-9])")}),
]
RehearsalMoment = Annotated[
    Moment,
    AfterValidator(_within_reach),
    WithJsonSchema(
        A_MOMENT | {"pattern": (DAY + TIME).replace(YEARS, "(19[7-9][0-9]|20[0-8][0-9])")}
    ),
]
DayOrMoment = Annotated[
    date | datetime,
    BeforeValidator(_day_or_moment),
    WithJsonSchema({"anyOf": [A_DAY, A_MOMENT]}),
]


# -- words and texts


def _free(value: str) -> str:
    return visible(unicodedata.normalize("NFC", value).strip(), lines=True)


def _line(value: str) -> str:
    return visible(unicodedata.normalize("NFC", value).strip(), lines=False)


def visible(value: str, *, lines: bool) -> str:
    """Return the text when all of it can be seen; raises ValueError.

    Scripts need joiners (U+200C, U+200D) and a few stacked marks; nobody needs the rest.
    """
    if not value.strip(BLANKS):
        raise ValueError("holds nothing but blanks")
    marks = 0
    for letter in value:
        kind = unicodedata.category(letter)
        if kind in {"Cc", "Cs"} and not (lines and letter in LINE_SIGNS):
            raise ValueError("holds a control character")
        if letter in HIDING:
            raise ValueError("holds a sign that hides or turns around what it says")
        marks = marks + 1 if kind in {"Mn", "Me"} else 0
        if marks > MOST_MARKS:
            raise ValueError("has too many marks on one letter")
    return value


def _shown(*, lines: bool) -> dict[str, str]:
    """The same for readers of the schema, but for marks: nothing hidden, and something to see."""
    hidden = "\\u007f-\\u009f\\u2028-\\u202e\\u2066-\\u2069\\ufeff"
    control = "\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f" if lines else "\\u0000-\\u001f"
    blank = "".join(f"\\u{ord(sign):04x}" for sign in BLANKS)
    any_sign, seen = f"[^{control}{hidden}]", f"[^\\u0000-\\u001f{blank}{hidden}]"
    return {"pattern": f"^{any_sign}*{seen}{any_sign}*$"}


SHOWN = _shown(lines=True)
FreeText = Annotated[
    str,
    StringConstraints(min_length=1, max_length=4000),
    AfterValidator(_free),
    Field(json_schema_extra={**SHOWN}),
]
Line = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200),
    AfterValidator(_line),
    Field(json_schema_extra={**_shown(lines=False)}),
]
# Ids of steps, offices, roles, outcomes, users: letters, digits and the signs our ids have.
Word = Annotated[
    str, StringConstraints(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]*$")
]
Scope = Annotated[str, StringConstraints(max_length=80, pattern=r"^([*]|[a-z_]+[.][a-z_]+)$")]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


# -- JSON as it comes in


class NotPlainJson(ValueError):  # noqa: N818
    """JSON that two readers may read in two ways, or that is too deep."""


def strict_json(body: bytes) -> Any:
    """Read JSON; raises json.JSONDecodeError, or NotPlainJson.

    A key given twice, NaN and deep nesting are refused, and so is a NUL anywhere.
    """
    try:
        found = json.loads(body, object_pairs_hook=_each_key_once, parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise NotPlainJson("is not UTF-8") from None
    except RecursionError:
        raise NotPlainJson("is nested too deep") from None
    _check_depth(found, DEEPEST)
    return found


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotPlainJson("holds the same key twice")
    return found


def _no_constant(name: str) -> Any:
    raise NotPlainJson(f"holds {name}, which is no JSON number")


def _check_depth(value: Any, left: int) -> None:
    if left < 0:
        raise NotPlainJson("is nested too deep")
    if isinstance(value, dict):
        for key, item in value.items():
            _check_text(key)
            _check_depth(item, left - 1)
    elif isinstance(value, list):
        for item in value:
            _check_depth(item, left - 1)
    elif isinstance(value, str):
        _check_text(value)


def _check_text(value: str) -> None:
    if "\x00" in value:
        raise NotPlainJson("holds a NUL character")
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise NotPlainJson("holds half a character")
