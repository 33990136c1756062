"""The rules: checked and drawn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.shared import fail

if TYPE_CHECKING:
    pass

rules = typer.Typer(help="The rules: what must be done, by whom, in what time.")

RULES = Path(__file__).parents[1] / "rules"
Folder = Annotated[Path, typer.Option(help="the folder of rules")]


@rules.command("check")
def rules_check(folder: Folder = RULES) -> None:
    """Say in plain sentences what is wrong with the rules; exit 1 if anything is."""
    import rulefiles

    if not folder.is_dir():
        raise fail(f"There is no folder {folder}", 2)
    problems = rulefiles.check(folder)
    for problem in problems:
        print(problem)
    if problems:
        raise fail(f"{len(problems)} thing(s) to put right.")
    corridors = ", ".join(rulefiles.read_rules(folder).corridors)
    print(f"The rules are in order: {corridors}.")


@rules.command("show")
def rules_show(corridor: str, folder: Folder = RULES) -> None:
    """Print the plan of a corridor as a person would draw it."""
    import rulefiles
    from domain.rules.book import RulesWrong, procedure_for
    from domain.rules.show import show

    book = rulefiles.read_rules(folder)
    if corridor not in book.corridors:
        raise fail(f"There is no corridor {corridor}; there are {', '.join(book.corridors)}.", 2)
    try:
        print(show(procedure_for(book, corridor)))
    except RulesWrong as wrong:
        raise fail(str(wrong)) from None
