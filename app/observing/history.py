"""What this instance did and how it stood over the last minutes, hours and days, in bounded memory."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.observing.series import SAMPLE_S, SHOWN_TOPICS, STEPS, Sample, Series, history

OF_DELIVERIES = "ack_"
"""Gauges of the latest deliveries are those of no step in which there was none."""
Lags = Mapping[str, tuple[int, float | None]]


@dataclass(frozen=True, slots=True)
class Standing:
    """How this instance stands: `totals` since its start, `gauges` now, (records, seconds) of lag by topic. What is
    not known is None or missing."""

    totals: Mapping[str, float]
    gauges: Mapping[str, float | None]
    topics: Lags = field(default_factory=dict)


class History:
    """Takes a sample of what `read` gives every 5 s, whenever it is told that a second has passed."""

    def __init__(self, read: Callable[[], Standing], now: Callable[[], float] = time.time) -> None:
        self._read = read
        self._now = now
        self._series = {span: Series(*steps) for span, steps in STEPS.items()}
        self._totals = dict(read().totals)
        self._slot = self._slot_now()

    def _slot_now(self) -> int:
        return int(self._now()) // SAMPLE_S * SAMPLE_S

    def second_passed(self) -> None:
        """To be called about once a second."""
        slot = self._slot_now()
        if slot != self._slot:
            ended, self._slot = self._slot, slot
            self._take(ended)

    def _take(self, at: int) -> None:
        standing = self._read()
        counted = {name: max(0.0, total - self._totals.get(name, 0)) for name, total in standing.totals.items()}
        self._totals = dict(standing.totals)
        gauges = {name: value for name, value in standing.gauges.items() if value is not None}
        if not counted.get("produced"):
            gauges = {name: value for name, value in gauges.items() if not name.startswith(OF_DELIVERIES)}
        sample = Sample(at, counted, gauges, most_lag(standing.topics))
        for series in self._series.values():
            series.add(sample)

    def document(self, span: str) -> dict[str, Any]:
        """The members of a range, one of STEPS, up to now; the last point is not complete."""
        return history(span, self._series[span], self._slot - SAMPLE_S, "instance")


def most_lag(topics: Lags) -> Lags:
    """Those with most lag, as many as are shown."""
    most = heapq.nlargest(SHOWN_TOPICS, topics, key=lambda topic: (topics[topic][0], topic))
    return {topic: topics[topic] for topic in most}
