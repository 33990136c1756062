"""What is wrong with a field, in the words of people who do not program.

What was typed is never repeated here: it may hold a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.fields import NO_DAY, NO_MOMENT, NO_NUMBER
from api.patterns import SAID

LONGEST_NAME = 60


def place(item: Mapping[str, Any]) -> str:
    """Return the name of the field, as `result.amount`; empty for the whole body."""
    parts = [part for part in item["loc"] if part not in {"body", "query", "path", "header"}]
    if item["type"] == "json_invalid":
        return ""
    return ".".join(_tame(str(part)) for part in parts if part != "[key]")


def _tame(name: str) -> str:
    shown = "".join(letter for letter in name if letter.isprintable())
    return shown if len(shown) <= LONGEST_NAME else shown[:LONGEST_NAME] + "…"


_SENTENCES = {
    "missing": "is missing",
    "extra_forbidden": "is not a field of this request",
    "model_attributes_type": "must be a JSON object",
    "dict_type": "must be a JSON object",
    "string_type": "must be text",
    "int_type": NO_NUMBER,
    "int_parsing": NO_NUMBER,
    "int_parsing_size": NO_NUMBER,
    "int_from_float": NO_NUMBER,
    "finite_number": NO_NUMBER,
    "date_type": NO_DAY,
    "date_parsing": NO_DAY,
    "date_from_datetime_parsing": NO_DAY,
    "datetime_type": NO_MOMENT,
    "datetime_parsing": NO_MOMENT,
    "datetime_from_date_parsing": NO_MOMENT,
    "timezone_aware": NO_MOMENT,
    "uuid_parsing": "must be an id",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
}


_BOUNDS = {
    "greater_than_equal": ("must be at least {0}", "ge"),
    "less_than_equal": ("must be at most {0}", "le"),
    "string_too_short": ("must have at least {0} character{1}", "min_length"),
    "string_too_long": ("may have at most {0} character{1}", "max_length"),
    "too_long": ("may have at most {0} entries", "max_length"),
}


def sentence(item: Mapping[str, Any]) -> str:
    """Return what is wrong with the field, to stand behind its name."""
    kind = str(item["type"])
    if kind == "value_error":
        return str(item.get("ctx", {}).get("error", "cannot have this value"))
    if kind == "json_invalid":
        return f"is not JSON that can be read, from character {item['loc'][-1] + 1} on"
    if kind in {"literal_error", "enum"}:
        return f"is one of {item['ctx']['expected']}"
    if kind == "string_pattern_mismatch":
        return SAID.get(item["ctx"]["pattern"], "is not written the way it must be")
    if kind in _SENTENCES:
        return _SENTENCES[kind]
    if kind in _BOUNDS:
        said, bound = _BOUNDS[kind]
        number = item["ctx"][bound]
        return said.format(number, "" if number == 1 else "s")
    message = str(item.get("msg", "cannot have this value"))
    return message.replace("Input should", "should").replace("String should", "should")
