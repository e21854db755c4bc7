"""Which of the forms of a page a client prefers, by the q-values of its Accept header (RFC 9110)."""

from __future__ import annotations

import re
from collections.abc import Sequence

JSON = "application/json"
HTML = "text/html"
EVENTS = "text/event-stream"
CSV = "text/csv"
QUALITY = re.compile(r"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", re.ASCII).fullmatch
MAX_ACCEPT = 4096


def preferred(accept: str, offered: Sequence[str]) -> str | None:
    """The offered media type with the highest quality, the first of equals; None where none is acceptable.

    No Accept header, or one that says nothing, accepts everything.
    """
    ranges = list(filter(None, map(_range, accept[:MAX_ACCEPT].split(","))))
    if not ranges:
        return offered[0]
    rated = [(_quality(media_type, ranges), -index, media_type) for index, media_type in enumerate(offered)]
    quality, _, best = max(rated)
    return best if quality > 0 else None


def _range(part: str) -> tuple[str, float] | None:
    media_range, *parameters = (piece.strip() for piece in part.lower().split(";"))
    if "/" not in media_range:
        return None
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            return media_range, float(value.strip()) if QUALITY(value.strip()) else 0.0
    return media_range, 1.0


def _quality(media_type: str, ranges: Sequence[tuple[str, float]]) -> float:
    """That of the most specific range that takes the media type."""
    major = media_type.partition("/")[0]
    for wanted in (media_type, f"{major}/*", "*/*"):
        matching = [quality for media_range, quality in ranges if media_range == wanted]
        if matching:
            return max(matching)
    return 0.0
