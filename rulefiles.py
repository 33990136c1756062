"""Reads a folder of rule files into a rulebook. Knows TOML and paths, nothing of what rules mean."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

from domain.rules.book import Rulebook, rulebook_from
from domain.rules.cards import Finding
from domain.rules.check import check_rulebook
from domain.rules.page import rules_page

SHIPPED = Path(__file__).parent / "rules"


def read_rules(folder: Path = SHIPPED) -> Rulebook:
    """Every `*.toml` below `folder`; a file that is no TOML becomes a problem of the rulebook."""
    tables: dict[str, dict[str, Any]] = {}
    problems: list[Finding] = []
    for path in sorted(folder.rglob("*.toml")):
        name = path.relative_to(folder).as_posix()
        try:
            tables[name] = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
            problems.append(Finding(name, "", "", f"cannot be read: {wrong}"))
    if not tables and not problems:
        problems.append(Finding(folder.name, "", "", "there are no rule files in this folder"))
    return rulebook_from(tables, tuple(problems))


def check(folder: Path = SHIPPED) -> list[Finding]:
    """Everything that is wrong with the rules of a folder; empty when they may be used."""
    return check_rulebook(read_rules(folder))


if __name__ == "__main__":  # python rulefiles.py > docs/rules.md
    sys.stdout.write(rules_page(read_rules()))
