"""Finds a function that a setting names by its import path, `module:function`."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

from app.errors import ConfigurationError, Fault


def import_function(path: str, setting: str, invalid: type[ConfigurationError]) -> Callable[..., Any]:
    """The function at `path`, which the setting of that name gave; the working directory is looked into first.

    Raises `invalid`, naming what is not there.
    """
    module_name, _, function = path.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and not module_name.startswith(error.name):
            raise invalid([Fault(path, f"needs the module {error.name!r}, which is not there")]) from error
        raise invalid([Fault(setting, f"there is no module {module_name!r}")]) from error
    found = getattr(module, function, None)
    if not callable(found):
        raise invalid([Fault(setting, f"{module_name} has no function {function!r}")])
    named: Callable[..., Any] = found
    return named
