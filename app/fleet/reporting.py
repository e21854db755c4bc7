"""Makes the records in which this instance tells the others of itself."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import orjson

from app.fleet.view import Report, Row
from app.fleet.wire import pack, written
from app.kafka.topic_writer import Written
from app.observing.history import Standing, most_lag
from app.observing.series import SAMPLE_S

CHUNK_ROWS = 1000
"""Rows of partitions in one record: 300 kB of JSON, and less than a tenth of that compressed."""
MOST_ROWS = 200
"""Of groups and of jobs: a report stays far below the size that Kafka takes."""
REPEAT_AFTER_S = 60
"""Rows that do not change are sent again after so long, for one that missed them."""
OF_DELIVERIES = "ack_"
"""Gauges of the latest deliveries say nothing of a time in which there was none."""


class Reporting:
    """Remembers what was told, so that rows are sent when they have changed."""

    def __init__(self, instance: str, now: Callable[[], float] = time.time) -> None:
        self._instance = instance
        self._now = now
        self._step = 0
        self._produced = 0.0
        self._told: dict[int, tuple[bytes, float]] = {}

    def records(self, report: Report, standing: Standing, state: str | None = None) -> Iterator[Written]:
        """What is to be told now, in pieces that each take a few milliseconds to make. `state`: instead of that of
        the report."""
        rows = sorted(report.partitions(), key=lambda row: (row["group"], row["topic"], row["partition"]))
        yield self._head(report, standing, rows, state or report.about["state"])
        for number in range(math.ceil(len(rows) / CHUNK_ROWS)):
            chunk = rows[number * CHUNK_ROWS : (number + 1) * CHUNK_ROWS]
            if self._is_news(number, orjson.dumps(chunk)):
                yield written("partitions", f"{self._instance}/{number}", pack({"rows": chunk}))

    def not_stored(self) -> None:
        """The last report did not reach Kafka: all of the next one is news."""
        self._told.clear()

    def _is_news(self, number: int, text: bytes) -> bool:
        told, at = self._told.get(number, (b"", 0.0))
        if told == text and self._now() - at < REPEAT_AFTER_S:
            return False
        self._told[number] = (text, self._now())
        return True

    def _head(self, report: Report, standing: Standing, rows: Sequence[Row], state: str) -> Written:
        step = int(self._now()) // SAMPLE_S * SAMPLE_S
        document = {
            "instance": self._instance,
            "state": state,
            "uptime_s": report.about["uptime_s"],
            "chunks": math.ceil(len(rows) / CHUNK_ROWS),
            "about": report.about,
            "groups": report.groups[:MOST_ROWS],
            "jobs": report.jobs[:MOST_ROWS],
            "totals": standing.totals,
            "gauges": standing.gauges,
            "topics": most_lag(standing.topics),
            "step": None,
        }
        if step > self._step:
            document |= {"step": step, "gauges": self._sampled(standing)}
            self._step = step
        return written("report", self._instance, pack(document))

    def _sampled(self, standing: Standing) -> Mapping[str, float | None]:
        before, self._produced = self._produced, standing.totals.get("produced", 0.0)
        if self._produced > before:
            return standing.gauges
        return {name: value for name, value in standing.gauges.items() if not name.startswith(OF_DELIVERIES)}
