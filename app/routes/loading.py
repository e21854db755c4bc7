"""Finds the function that draws the table and builds the table from it."""

from __future__ import annotations

import importlib
import os
import sys
import traceback

from app.errors import Fault, RoutesInvalid
from app.routes.routes import Draw, Routes
from app.routes.table import RoutingTable
from app.routes.validation import build_table
from app.settings import Settings


def load_table(settings: Settings) -> RoutingTable:
    """The table that the setting ROUTES names. Raises RoutesInvalid with every fault."""
    return draw_table(_import_draw(settings.routes), settings)


def draw_table(draw: Draw, settings: Settings) -> RoutingTable:
    """The table that `draw` draws. Raises RoutesInvalid with every fault."""
    routes = Routes(settings)
    try:
        draw(routes)
    except RoutesInvalid:
        raise
    except Exception as error:
        raise RoutesInvalid([Fault(_place(error), f"raised {type(error).__name__}: {error}")]) from error
    return build_table(routes.drawing, transactions=bool(settings.producer_transactional_id_prefix))


def _place(error: Exception) -> str:
    """The line of the table's function in which it raised."""
    lines = traceback.extract_tb(error.__traceback__)[1:]
    return f"{lines[0].filename}:{lines[0].lineno}" if lines else "ROUTES"


def _import_draw(path: str) -> Draw:
    module_name, _, function = path.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and not module_name.startswith(error.name):
            raise RoutesInvalid([Fault(path, f"needs the module {error.name!r}, which is not there")]) from error
        raise RoutesInvalid([Fault("ROUTES", f"there is no module {module_name!r}")]) from error
    draw = getattr(module, function, None)
    if not callable(draw):
        raise RoutesInvalid([Fault("ROUTES", f"{module_name} has no function {function!r}")])
    found: Draw = draw
    return found
