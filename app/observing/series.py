"""History in points of 5 s, 1 min, 30 min and 8 h, each summed up from samples: of one instance, or of several."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

SAMPLE_S = 5
STEPS = {"5m": (5, 60), "1h": (60, 60), "24h": (1800, 48), "7d": (28_800, 21)}
"""The length of a point in seconds, and how many are kept."""
RATES = {"produced_per_s": "produced", "consumed_per_s": "consumed", "failed_per_s": "failed"}
COUNTS = ("errors", "retries", "dead")
SUMMED = ("lag", "rss_bytes", "cpu_percent")
"""Of all instances together; the mean over a point's time."""
LARGEST = ("lag_s", "ack_p50_ms", "ack_p99_ms")
"""Of the instance that is worst off; the largest of a point's time."""
TOTALS = (*RATES.values(), *COUNTS)
GAUGES = (*SUMMED, *LARGEST)
MOST_TOPICS = 16
SHOWN_TOPICS = 8
Numbers = dict[str, float]


@dataclass(frozen=True, slots=True)
class Sample:
    """What one instance counted since its last one, and how it stood. `at`: seconds since 1970, a multiple of 5.

    `topics`: (lag, seconds of lag) by topic. What is not known is missing.
    """

    at: int
    counted: Mapping[str, float]
    gauges: Mapping[str, float]
    topics: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)


@dataclass(slots=True)
class Point:
    """The samples of one step. `ticks`: for how many times of 5 s there are samples, of whichever instances."""

    at: int
    ticks: int = 0
    last_tick: int = 0
    counted: Numbers = field(default_factory=dict)
    sums: Numbers = field(default_factory=dict)
    largest: Numbers = field(default_factory=dict)
    topic_lag: Numbers = field(default_factory=dict)
    topic_lag_s: Numbers = field(default_factory=dict)

    def add(self, sample: Sample) -> None:
        if sample.at > self.last_tick:
            self.ticks, self.last_tick = self.ticks + 1, sample.at
        for name, count in sample.counted.items():
            self.counted[name] = self.counted.get(name, 0) + count
        for name, value in sample.gauges.items():
            if name in LARGEST:
                self.largest[name] = max(self.largest.get(name, value), value)
            else:
                self.sums[name] = self.sums.get(name, 0) + value
        for topic, (lag, lag_s) in sample.topics.items():
            self._add_topic(topic, lag, lag_s)

    def _add_topic(self, topic: str, lag: float | None, lag_s: float | None) -> None:
        if topic not in self.topic_lag and len(self.topic_lag) >= MOST_TOPICS:
            return
        self.topic_lag[topic] = self.topic_lag.get(topic, 0) + (lag or 0)
        if lag_s is not None:
            self.topic_lag_s[topic] = max(self.topic_lag_s.get(topic, 0), lag_s)

    def value(self, name: str) -> float | None:
        """Of one series; None where nothing is known."""
        if name in RATES:
            count = self.counted.get(RATES[name])
            return None if count is None or not self.ticks else round(count / (self.ticks * SAMPLE_S), 3)
        if name in COUNTS:
            return self.counted.get(name)
        if name in LARGEST:
            return self.largest.get(name)
        return self._mean(self.sums.get(name))

    def lag_of(self, topic: str) -> float | None:
        return self._mean(self.topic_lag.get(topic))

    def _mean(self, total: float | None) -> float | None:
        return None if total is None or not self.ticks else round(total / self.ticks, 3)

    def document(self) -> list[Any]:
        return [
            *(self.at, self.ticks, self.last_tick, self.counted),
            *(self.sums, self.largest, self.topic_lag, self.topic_lag_s),
        ]


class Series:
    """The points of one range, the latest last. What is older than its span is dropped."""

    def __init__(self, step_s: int, kept: int, points: Iterable[Point] = ()) -> None:
        self.step_s = step_s
        self._kept = kept
        self.points = list(points)

    def add(self, sample: Sample) -> None:
        at = sample.at - sample.at % self.step_s
        place = len(self.points)
        while place and self.points[place - 1].at > at:
            place -= 1
        if place and self.points[place - 1].at == at:
            self.points[place - 1].add(sample)
            return
        if self.points and at <= self.points[-1].at - self.step_s * self._kept:
            return
        point = Point(at)
        point.add(sample)
        self.points.insert(place, point)
        first = self.points[-1].at - self.step_s * (self._kept - 1)
        self.points = [known for known in self.points if known.at >= first]

    def document(self) -> dict[str, Any]:
        return {"points": [point.document() for point in self.points]}

    @classmethod
    def parse(cls, step_s: int, kept: int, document: Mapping[str, Any]) -> Series:
        return cls(step_s, kept, (Point(*point) for point in document["points"]))


def history(span: str, series: Series, until: float, scope: str) -> dict[str, Any]:
    """The document of a range whose last point holds `until` (seconds since 1970); steps without samples have None."""
    step_s, kept = STEPS[span]
    last = math.floor(until / step_s) * step_s
    at = [last - step_s * back for back in range(kept - 1, -1, -1)]
    points = {point.at: point for point in series.points}
    found = [points.get(time) for time in at]
    names = (*RATES, *COUNTS, *GAUGES)
    return {
        "range": span,
        "step_s": step_s,
        "scope": scope,
        "at": at,
        "series": {name: [None if point is None else point.value(name) for point in found] for name in names},
        "by_topic": {topic: _topic(topic, found) for topic in _largest_topics(found)},
    }


def _topic(topic: str, found: list[Point | None]) -> dict[str, list[float | None]]:
    return {
        "lag": [None if point is None else point.lag_of(topic) for point in found],
        "lag_s": [None if point is None else point.topic_lag_s.get(topic) for point in found],
    }


def _largest_topics(found: Iterable[Point | None]) -> list[str]:
    most: Numbers = {}
    for point in found:
        for topic in point.topic_lag if point else ():
            most[topic] = max(most.get(topic, 0), point.lag_of(topic) or 0 if point else 0)
    return sorted(most, key=lambda topic: (-most[topic], topic))[:SHOWN_TOPICS]
