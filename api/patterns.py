"""How single words must be written: each pattern once, with what is said where it is not kept.

Nothing here reads a request; the patterns also stand in the published schema.
"""

from __future__ import annotations

WORD = r"^[A-Za-z0-9][A-Za-z0-9._:/-]*$"  # ids of steps, offices, roles, outcomes, users
SCOPE = r"^([*]|[a-z_]+[.][a-z_]+)$"
COUNTRY = r"^[A-Z]{2}$"
RESULT_KEY = r"^[a-z][a-z0-9_]{0,39}$"
KEY = r"^[!-~]+$"
ONE_LINE = r"^[ -~]*[!-~][ -~]*$"
CASE = r"^[0-9A-Za-z-]+$"
CORRIDOR = r"^[a-z-]+$"
OFFICE = r"^[a-z0-9-]+$"
STEP = r"^[a-z0-9][a-z0-9_/]*$"
PREFIX = r"^[0-9a-z]+$"

SAID = {
    WORD: "must be one word of plain letters, digits and the signs . _ : / -",
    SCOPE: "must be a permission, as cases.list, or *",
    COUNTRY: "must be two capital letters, as TH",
    RESULT_KEY: "must be named in small letters, digits and _, as amount",
    KEY: "must be one word of plain letters, digits and signs, without blanks",
    ONE_LINE: "must be one line of plain letters, digits and signs",
    CASE: "must be an id or a reference, as K7QFM-2XDRT",
    CORRIDOR: "must be small letters and -, as th-la",
    OFFICE: "must be small letters, digits and -, as th-ubon-case",
    STEP: "must be small letters, digits, _ and /, as follow_up/3m",
    PREFIX: "must be small letters and digits",
}
