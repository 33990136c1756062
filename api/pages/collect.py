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
    """All pages as one router, and the menu that leads to them."""

    routes: APIRouter
    menu: tuple[MenuEntry, ...]


@cache
def collected_pages() -> Pages:
    """Import the modules of this package and put together what they declare."""
    package = __name__.rpartition(".")[0]
    path = import_module(package).__path__
    modules = [import_module(f"{package}.{found.name}") for found in iter_modules(path)]
    return Pages(_all_routes(modules), tuple(sorted(_menu(modules))))


def _all_routes(modules: list[ModuleType]) -> APIRouter:
    found = [
        route
        for module in modules
        for route in getattr(module, "routes", APIRouter()).routes
        if isinstance(route, APIRoute)
    ]
    together = router()
    together.routes.extend(sorted(found, key=plain_words_first))
    return together


def plain_words_first(route: APIRoute) -> list[bool]:
    """Order addresses so that `/cases/new` is asked before `/cases/{case_ref}`."""
    return [part.startswith("{") for part in route.path.split("/")]


def _menu(modules: list[ModuleType]) -> list[MenuEntry]:
    declared = (getattr(module, "MENU", None) for module in modules)
    return [entry for entry in declared if isinstance(entry, MenuEntry)]
