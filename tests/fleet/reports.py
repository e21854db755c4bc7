"""Reports for tests."""

from __future__ import annotations

from datetime import UTC, datetime

from app.fleet.view import Report


def report(instance: str, *, gone: bool = False) -> Report:
    """A report of an instance that runs and does nothing."""
    about = {"host": "h", "pid": 1, "version": "0", "state": "running", "health": "ok"}
    return Report(instance, True, datetime.now(UTC), gone, about, (), (), tuple)
