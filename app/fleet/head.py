"""The head of a report: what one instance says of itself, without the rows of its partitions."""

from __future__ import annotations

from typing import Any

import msgspec

from app.fleet.wire import unpack

Rows = list[dict[str, Any]]


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """`chunks`: in how many further records the rows are. `totals` count since the start of the instance.

    `step` (seconds since 1970, a multiple of 5) says of which time `totals` and `gauges` are a sample; a report without
    one is no sample. `topics`: (lag, seconds of lag) by topic.
    """

    instance: str
    state: str
    uptime_s: float
    chunks: int
    about: dict[str, Any]
    groups: Rows
    jobs: Rows
    totals: dict[str, float]
    gauges: dict[str, float | None]
    topics: dict[str, tuple[float | None, float | None]]
    step: int | None = None


def read_head(value: bytes | None) -> Head | None:
    """The head in a record's value; None where it is not one that this version can read."""
    document = unpack(value)
    if document is None:
        return None
    try:
        return msgspec.convert(document, Head)
    except msgspec.ValidationError:
        return None
