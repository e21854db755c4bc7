"""Finds the function that draws the table and builds the table from it."""

from __future__ import annotations

import traceback

from app.errors import Fault, RoutesInvalid
from app.importing import import_function
from app.routes.routes import Draw, Routes
from app.routes.table import RoutingTable
from app.routes.validation import build_table
from app.settings import Settings


def load_table(settings: Settings) -> RoutingTable:
    """The table that the setting ROUTES names. Raises RoutesInvalid with every fault."""
    return draw_table(import_function(settings.routes, "ROUTES", RoutesInvalid), settings)


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
