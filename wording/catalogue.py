"""Every text that people read, from one file for each language. No sentence stands in Python.

A text that is asked for and not there is an error, so that no page shows a gap.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "templates" / "words"
ENGLISH = "en"


class MissingWords(KeyError):  # noqa: N818 - what is missing are words
    """A text that the language file lacks."""


class Words:
    """The texts of one language, named by their path: `tasks.title`."""

    def __init__(self, language: str, texts: Mapping[str, str]) -> None:
        """Keep the texts, flat."""
        self.language = language
        self.texts = texts

    def __call__(self, name: str, /, **values: Any) -> str:
        """Return a text with its values; `n=1` takes `NAME_one` where that is written."""
        if values.get("n") == 1 and f"{name}_one" in self.texts:
            name = f"{name}_one"
        if name not in self.texts:
            raise MissingWords(name)
        return self.texts[name].format(**values)

    def get(self, name: str, default: str = "") -> str:
        """Return a text that need not be there."""
        return self.texts.get(name, default)

    def word(self, group: str, name: str) -> str:
        """Return a word of the rules as people read it; one without a text reads as it is."""
        found = self.texts.get(f"{group}.{name}")
        return found if found is not None else plain(name)


def plain(name: str) -> str:
    """A word of the rules with its signs taken out: `found_safe` is `Found safe`."""
    spaced = name.replace("_", " ").replace("/", ", ")
    return spaced[:1].upper() + spaced[1:]


@cache
def words_of(language: str) -> Words:
    """Return the texts of a language, read once."""
    with (FOLDER / f"{language}.toml").open("rb") as file:
        return Words(language, flat(tomllib.load(file)))


def flat(table: Mapping[str, Any], before: str = "") -> dict[str, str]:
    """Tables in tables become names with dots."""
    found: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{before}{key}.")
        else:
            found[f"{before}{key}"] = str(value)
    return found
