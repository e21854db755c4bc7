"""Reports for tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from app.fleet.view import Report, Row
from app.observing.history import Lags, Standing
from app.observing.series import TOTALS


def report(
    instance: str, *, gone: bool = False, rows: Sequence[Row] = (), uptime_s: float = 0.0, state: str = "running"
) -> Report:
    """A report of an instance that runs; `rows` are those of its partitions."""
    about = {"host": "h", "pid": 1, "version": "0", "state": state, "health": "ok", "uptime_s": uptime_s}
    return Report(instance, True, datetime.now(UTC), gone, about, (), (), lambda: rows)


def row(topic: str, partition: int, lag: int | None = 0, lag_s: float | None = 0.0) -> Row:
    """A partition's row of group `g`."""
    return {"group": "g", "topic": topic, "partition": partition, "lag": lag, "lag_s": lag_s}


def standing(lag: int | None = 0, topics: Lags | None = None, **totals: int) -> Standing:
    """With these totals: produced, failed, consumed, errors, retries, dead."""
    counted = dict.fromkeys(TOTALS, 0) | totals
    gauges = {"lag": lag, "lag_s": None, "ack_p50_ms": 1.0, "ack_p99_ms": 3.0, "rss_bytes": 1000, "cpu_percent": None}
    return Standing(counted, gauges, topics or {})
