"""Reads an [[act]]: which keys belong to which `do`, and the words each may hold.

An act that must be refused may be wrong in the way it names; nothing here decides who may act.
"""

from collections.abc import Iterable
from datetime import datetime

from story import words
from story.model import Act
from story.names import Names
from story.table import Table


def act_keys() -> tuple[str, ...]:
    """Every key that an [[act]] may have, whatever it does."""
    own = (key for kind in words.DO.values() for key in (*kind.needs, *kind.may))
    return tuple(dict.fromkeys((*words.ACT_KEYS, *own)))


def read_act(table: Table, names: Names, at: datetime, number: int, line: int) -> Act:
    """The act of that table, recorded at `at`. Raises StoryFileError."""
    table.need("by", "do")
    do = table.word("do", words.DO, "act") or ""
    refused = table.word("refused", names.errors, "error")
    kind = words.DO[do]
    allowed = (*words.ACT_KEYS, *kind.needs, *kind.may)
    for key in table.values:
        if key not in allowed:
            _belongs_elsewhere(table, key, do)
    decision = _free_or_word(table, "decision", words.DECISIONS, refused)
    needs = (*kind.needs, *words.DECISION_NEEDS.get(decision or "", ()))
    # An act that must be refused may lack anything: the core looks for errors in its order.
    for key in () if refused else needs:
        if key not in table.values:
            table.fail(key, f'is missing; "{do}" needs {", ".join(needs)}')
    step = table.text("step") if refused == "unknown-step" else names.step(table)
    return Act(
        number=number,
        line=line,
        at=at,
        by=names.party(table, "by") or "",
        do=do,
        who=names.who(table, needed=True),
        happened=table.moment("happened"),
        user=table.text("user"),
        for_=names.party(table, "for"),
        step=step,
        outcome=_act_outcome(table, names, step, refused),
        reason=table.text("reason"),
        result=table.mapping("result"),
        refused=refused,
        due=table.day_or_moment("due"),
        until=table.day_or_moment("until"),
        review=table.day_or_moment("review"),
        date=table.day_or_moment("date"),
        valid_until=table.day_or_moment("valid_until"),
        to=names.party(table, "to"),
        decision=decision,
        purpose=_free_or_word(table, "purpose", words.PURPOSES, refused),
        receiver=names.party(table, "receiver"),
        flag=_act_flag(table, names, refused),
        kind=_free_or_word(table, "kind", words.ALARMS if do == "alarm" else words.BARS, refused),
        owner=names.party(table, "owner"),
        fact=_free_or_word(table, "fact", words.FACTS, refused),
        value=table.raw("value"),
        crossing=table.text("crossing"),
        receiving=names.party(table, "receiving"),
        segment=table.word("segment", names.corridors, "segment"),
        corridor=table.word("corridor", names.corridors, "corridor"),
        country=table.country("country"),
        batch=table.text("batch"),
        approved_by=table.text("approved_by"),
    )


def _belongs_elsewhere(table: Table, key: str, do: str) -> None:
    homes = [name for name, kind in words.DO.items() if key in (*kind.needs, *kind.may)]
    table.fail(key, f'does not belong to "{do}"; it belongs to {", ".join(homes)}')


def _free_or_word(
    table: Table, key: str, allowed: Iterable[str], refused: str | None
) -> str | None:
    """A word of the list; any text when the act must be refused with invalid-field."""
    if refused == "invalid-field":
        return table.text(key)
    return table.word(key, tuple(allowed), key)


def _act_outcome(table: Table, names: Names, step: str | None, refused: str | None) -> str | None:
    if refused in ("unknown-outcome", "unknown-step"):
        return table.text("outcome")
    return names.outcome(table, step)


def _act_flag(table: Table, names: Names, refused: str | None) -> str | None:
    flag = table.text("flag")
    if flag is None or refused == "invalid-field":
        return flag
    return names.flag(table, "flag", flag)
