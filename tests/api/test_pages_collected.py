"""Pages are found by being there: none is left out, hidden behind another, or promised to the wrong."""

from pathlib import Path

import pytest
from starlette.routing import Match

from api.pages.collect import collected_pages
from api.policy import Caller, Place, Policy
from rulefiles import read_rules
from tests.api.test_access import WHO
from tests.api.test_pages_malformed import STATED

CODE = Path(__file__).parents[2] / "api" / "pages"
PAGES = collected_pages()


def test_it_finds_every_module_that_has_addresses() -> None:
    having = {file.stem for file in CODE.glob("*.py") if "\nroutes = router()" in file.read_text()}
    found = {route.endpoint.__module__.rpartition(".")[2] for route in PAGES.routes}
    assert found == having


@pytest.mark.parametrize("path", sorted({r.path for r in PAGES.routes if "{" not in r.path}))
def test_it_hides_no_address_behind_one_that_takes_any_word(path: str) -> None:
    scope = {"type": "http", "method": "GET", "path": path}
    first = next(r for r in PAGES.routes if r.matches(scope)[0] is not Match.NONE)
    assert first.path == path


@pytest.mark.parametrize("role", WHO)
def test_the_menu_leads_each_role_where_it_is_let_in_and_nowhere_else(role: str) -> None:
    policy = Policy(read_rules().account_roles)
    caller = Caller("somebody", "somewhere", (role,), (Place("somewhere", (role,)),))
    shown = {entry.url for entry in PAGES.menu if policy.may(caller, entry.permission)}
    assert shown == {
        entry.url for entry in PAGES.menu if role in STATED[f"GET {entry.url}"].split()
    }


def test_no_two_entries_of_the_menu_want_the_same_place() -> None:
    assert len({entry.place for entry in PAGES.menu}) == len(PAGES.menu)
