"""The menu above every page. A page that belongs there says so itself, by a `MENU` in its module."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True, slots=True)
class MenuEntry:
    """A page in the menu: the lower `place` stands first, `name` is its text under `[nav]`.

    It is shown to those who have the permission.
    """

    place: int
    name: str
    url: str
    permission: str
