"""Places in a log, as people write them."""

from __future__ import annotations

from datetime import datetime

import click


def offset_or_time(text: str) -> tuple[int | None, int | None]:
    """(offset, time in ms since 1970), of which one is None. Raises BadParameter."""
    if text.isascii() and text.isdigit():
        return int(text), None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise click.BadParameter(f"{text!r} is no offset, no time with a zone, and no name of a place")
    return None, int(at.timestamp() * 1000)
