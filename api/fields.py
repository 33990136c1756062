"""What the fields of a request may hold: words, texts, dates. Wrong ones are named, never repeated."""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import date, datetime
from typing import Annotated, Any

from annotated_types import Ge, Le
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    StringConstraints,
    WithJsonSchema,
)

from api import patterns

FIRST_YEAR, LAST_YEAR = 1900, 2199
NEAR = (1970, 2089)
BUDDHIST_FROM = 2400
BUDDHIST_AHEAD = 543
DEEPEST = 6

# Signs that turn the direction of writing around, or are not seen: they hide what a text says.
HIDING = frozenset(
    "\u2028\u2029\u202a\u202b\u202c\u202d\u202e\ufeff\ufff9\ufffa\ufffb\ufffc\ufffd\ufffe\uffff"
    + "".join(
        map(chr, (*range(0x2066, 0x2070), *range(0x1D173, 0x1D17B), *range(0xE0000, 0xE0080)))
    )
)
UNREADABLE = "\ufffd"  # what programs write for a sign that they could not read
# Nothing of these can be seen. Alone they say nothing; among words they come with copied text.
BLANKS = (
    "\t\n\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b"
    "\u200c\u200d\u202f\u205f\u3000"
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u180f\u200e\u200f\u2060\u2061"
    "\u2062\u2063\u2064\u2800\u3164\ufe00\ufe01\ufe02\ufe03\ufe04\ufe05\ufe06\ufe07\ufe08\ufe09"
    "\ufe0a\ufe0b\ufe0c\ufe0d\ufe0e\ufe0f\uffa0"
)
LINE_SIGNS = frozenset("\n\r\t")
MOST_MARKS = 8  # combining marks on one letter; no living script stacks more

YEAR_FIRST = re.compile(r"\s*[+-]?(\d{4,})-")
NO_DAY = "must be a date, as 2026-03-05"
NO_MOMENT = "must be a moment with its offset, as 2026-03-05T10:00:00+07:00"
NO_NUMBER = "must be a whole number, in the digits 0 to 9"
# As people and programs write them: never seconds since 1970, weeks, or digits without dashes.
DAY_TYPED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
MOMENT_TYPED = re.compile(
    DAY_TYPED.pattern + r"[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
DIGITS = re.compile(r"-?[0-9]{1,20}")


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


def _a_day(value: Any) -> Any:
    value = _sensible_year(value)
    if isinstance(value, str) and not DAY_TYPED.fullmatch(value):
        raise ValueError(NO_DAY)
    return value


def _a_moment(value: Any) -> Any:
    value = _sensible_year(value)
    if isinstance(value, str) and not MOMENT_TYPED.fullmatch(value):
        raise ValueError(NO_MOMENT)
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
        if DAY_TYPED.fullmatch(value):
            return date.fromisoformat(value)
        if MOMENT_TYPED.fullmatch(value):
            return datetime.fromisoformat(value.upper()).replace(microsecond=0)
    except ValueError:  # no such day or hour
        pass
    raise ValueError(f"{NO_DAY}, or a moment with its offset, as 2026-03-05T10:00:00+07:00")


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

Day = Annotated[date, BeforeValidator(_a_day), WithJsonSchema(A_DAY)]
Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_a_moment),
    AfterValidator(_whole_second),
    WithJsonSchema(A_MOMENT),
]
BirthDay = Annotated[
    date,
    BeforeValidator(_a_day),
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


# -- numbers


def _digits(value: Any) -> Any:
    """A number of an address, written plainly: `5_0` and ` 5` mean something only to programmers."""
    if isinstance(value, str) and not DIGITS.fullmatch(value):
        raise ValueError(NO_NUMBER)
    return value


def whole(value: Any) -> Any:
    """A number of JSON: 1.0 is whole there; text, true and false are no numbers."""
    if type(value) is int or (isinstance(value, float) and value.is_integer()):
        return int(value)
    raise ValueError(NO_NUMBER)


# Bounds stand before the check, or the published schema would not show them.
MOST_EVENTS = 2**31 - 1
Digits = BeforeValidator(_digits)
Version = Annotated[int, Ge(0), Le(MOST_EVENTS), BeforeValidator(whole)]
SeenVersion = Annotated[int, Ge(0), Le(MOST_EVENTS), Digits]
Days = Annotated[int, Ge(1), Le(730), Digits]
Rows = Annotated[int, Ge(1), Le(100), Digits]
Lines = Annotated[int, Ge(1), Le(200), Digits]


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
        if letter == UNREADABLE:
            raise ValueError("holds a sign that could not be read; write it anew")
        if letter in HIDING:
            raise ValueError("holds a sign that hides or turns around what it says")
        marks = marks + 1 if kind in {"Mn", "Me"} else 0
        if marks > MOST_MARKS:
            raise ValueError("has too many marks on one letter")
    return value


def _shown(*, lines: bool) -> dict[str, str]:
    """The same for readers of the schema, but for marks: nothing hidden, and something to see."""
    hidden = "\\u007f-\\u009f\\u2028-\\u202e\\u2066-\\u206f\\ufeff\\ufff9-\\uffff"
    hidden += "\U0001d173-\U0001d17a\U000e0000-\U000e007f"
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
Word = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=patterns.WORD)]
Scope = Annotated[str, StringConstraints(max_length=80, pattern=patterns.SCOPE)]
Country = Annotated[str, StringConstraints(pattern=patterns.COUNTRY)]


# -- JSON as it comes in


class NotPlainJson(ValueError):  # noqa: N818
    """JSON that two readers may read in two ways, or that is too deep."""


def strict_json(body: bytes) -> Any:
    """Read JSON; raises json.JSONDecodeError, or NotPlainJson.

    A key given twice, NaN and deep nesting are refused, and so is a NUL anywhere.
    """
    try:
        found = json.loads(
            body.decode("utf-8-sig"), object_pairs_hook=_each_key_once, parse_constant=_no_constant
        )
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
