"""Figures kept while events pass by, in bounded memory: rates over a minute, percentiles of the latest samples."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

WINDOW_S = 60
SAMPLES = 1024


class Rate:
    """How many a second, over the last minute: 60 counts of a second each."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = clock()
        self._counts = [0] * WINDOW_S
        self._second = int(self._started)

    def add(self, count: int) -> None:
        second = int(self._clock())
        if second != self._second:
            self._advance(second)
        self._counts[second % WINDOW_S] += count

    @property
    def per_s(self) -> float:
        """Over the last minute, or over the time since the start while that is shorter (at least a second)."""
        now = self._clock()
        self._advance(int(now))
        return sum(self._counts) / min(WINDOW_S, max(1.0, now - self._started))

    def _advance(self, second: int) -> None:
        for passed in range(self._second + 1, min(second, self._second + WINDOW_S) + 1):
            self._counts[passed % WINDOW_S] = 0
        self._second = second


class Counted:
    """A total and its rate."""

    __slots__ = ("rate", "total")

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.total = 0
        self.rate = Rate(clock)

    def add(self, count: int = 1) -> None:
        self.total += count
        self.rate.add(count)


class Samples:
    """The latest samples, for percentiles."""

    def __init__(self) -> None:
        self._ring: list[float] = []
        self._next = 0

    def add(self, value: float) -> None:
        if len(self._ring) < SAMPLES:
            self._ring.append(value)
        else:
            self._ring[self._next] = value
            self._next = (self._next + 1) % SAMPLES

    def percentiles(self, percents: Sequence[int]) -> dict[str, float | None]:
        """`{"p50": …}`: the least sample that so many percent are not above; None where there is no sample."""
        ordered = sorted(self._ring)
        return {f"p{percent}": _percentile(ordered, percent) for percent in percents}


def _percentile(ordered: Sequence[float], percent: int) -> float | None:
    if not ordered:
        return None
    rank = -(-percent * len(ordered) // 100)
    return round(ordered[max(0, rank - 1)], 3)
