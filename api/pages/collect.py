"""Finds the pages: every module of this package that has `routes` is one, with its `MENU` if any."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from fastapi import APIRouter
from fastapi.routing import APIRoute

from api.pages.menu import MenuEntry
from api.pages.route import router


@dataclass(frozen=True, slots=True)
class Pages:
    """The addresses of all pages, in the order they are asked, and the menu that leads to them."""

    routes: tuple[APIRoute, ...]
    menu: tuple[MenuEntry, ...]

    def router(self) -> APIRouter:
        """Return one router with all of them."""
        together = router()
        together.routes.extend(self.routes)
        return together


@cache
def collected_pages() -> Pages:
    """Import the modules of this package and put together what they declare."""
    package = __name__.rpartition(".")[0]
    path = import_module(package).__path__
    modules = [import_module(f"{package}.{found.name}") for found in iter_modules(path)]
    return Pages(_all_routes(modules), tuple(sorted(_menu(modules))))


def _all_routes(modules: list[ModuleType]) -> tuple[APIRoute, ...]:
    found = [
        route
        for module in modules
        for route in getattr(module, "routes", APIRouter()).routes
        if isinstance(route, APIRoute)
    ]
    return tuple(sorted(found, key=_plain_words_first))


def _plain_words_first(route: APIRoute) -> list[bool]:
    """Order addresses so that `/cases/new` is asked before `/cases/{case_ref}`."""
    return [part.startswith("{") for part in route.path.split("/")]


def _menu(modules: list[ModuleType]) -> list[MenuEntry]:
    declared = (getattr(module, "MENU", None) for module in modules)
    return [entry for entry in declared if isinstance(entry, MenuEntry)]
