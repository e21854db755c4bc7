"""What is said of any error, whoever's it is: its text, and the name of its class."""

from __future__ import annotations


def error_text(error: BaseException) -> str:
    """An error's text; never fails, whatever the error's own code does."""
    try:
        return str(error)
    except Exception as broken:
        return f"(its text cannot be had: {type(broken).__name__})"


def class_name(error: BaseException) -> str:
    """Module and name of an error's class."""
    return f"{type(error).__module__}.{type(error).__qualname__}"
