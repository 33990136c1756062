"""Saves what a case looks like when it is kept, one file for each shape there ever was.

    python -m tests.ledger.shapes            writes the present shape's file, if there is none
    python -m tests.ledger.shapes --replace  writes it anew

A file holds, for each saved list of events (`tests/ledger/editions/`), the case as the program of
that shape kept it. When `test_it_reads_every_shape_that_was_ever_kept` fails, rows in databases and
runs in engines could not be read any more, or would be read wrongly. Either undo that, or make it a
new edition with an upcaster in `workflows.upcasters.CASES`, and run this to save the new shape.
`--replace` is only for a shape that no real case was ever kept in.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

from domain.case.acts.steering import ADOPT_RULES
from domain.case.apply import blank, fold
from domain.case.state import Case
from domain.kinds import CASE
from tests.ledger import editions
from workflows.encoding import (
    command_from_json,
    event_from_json,
    opening_from_json,
    state_to_json,
)
from workflows.upcasters import state_shape

SAVED = Path(__file__).parent / "shapes"


def as_folded(name: str) -> Case:
    """The case that a saved list of events leads to, such as `1/a-stall.1`."""
    saved = json.loads((editions.SAVED / f"{name}.json").read_text(encoding="utf-8"))
    opening = opening_from_json(CASE, saved["opening"])
    case = blank(opening.case_id, opening.procedure, opening.procedure_digest)
    for move in saved["moves"]:
        command = command_from_json(CASE, move["command"]) if "command" in move else None
        if command is not None and command.do == ADOPT_RULES.name:
            case = replace(
                case,
                procedures={
                    **case.procedures,
                    command.body.procedure_digest: command.body.procedure,
                },
            )
        case = fold(case, [event_from_json(event) for event in move["events"]])
    return case


def main(*, anew: bool) -> None:
    """Write the file of the present shape."""
    file = SAVED / f"{state_shape('case')}.json"
    if file.exists() and not anew:
        raise SystemExit(f"{file.name} is there: read how to renew it in this file's beginning")
    names = [f"{one.parent.name}/{one.stem}" for one in sorted(editions.SAVED.glob("*/*.json"))]
    lines = [
        f"{json.dumps(name)}: {json.dumps(state_to_json(CASE, as_folded(name)), ensure_ascii=False)}"
        for name in names
    ]
    file.parent.mkdir(exist_ok=True)
    file.write_text('{"cases": {\n' + ",\n".join(lines) + "\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    main(anew="--replace" in sys.argv[1:])
