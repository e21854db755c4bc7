"""Many durations in little memory: counted in buckets that are 2% wide."""

from __future__ import annotations

import math
from collections import Counter

WIDTH = 1.02
LEAST_MS = 0.01
BAR = 40


class Times:
    """Durations in milliseconds. Percentiles are at most 2% too high; the maximum is exact."""

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()
        self.count = 0
        self.most_ms = 0.0

    def add(self, took_ms: float) -> None:
        self._buckets[math.ceil(math.log(max(took_ms, LEAST_MS) / LEAST_MS, WIDTH))] += 1
        self.count += 1
        self.most_ms = max(self.most_ms, took_ms)

    def percentile(self, share: float) -> float | None:
        """The time within which `share` (0 to 1) of all were; None where there are none."""
        wanted, passed = math.ceil(share * self.count), 0
        for bucket in sorted(self._buckets):
            passed += self._buckets[bucket]
            if passed >= wanted > 0:
                return min(self.most_ms, LEAST_MS * WIDTH**bucket)
        return None

    def document(self) -> dict[str, float | int | None]:
        """As JSON values."""
        named = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}
        rounded = {name: _rounded(self.percentile(share)) for name, share in named.items()}
        return {"count": self.count, **rounded, "max": _rounded(self.most_ms) if self.count else None}

    def drawn(self) -> list[str]:
        """A line for each doubling, with a bar for its share."""
        octaves: Counter[int] = Counter()
        for bucket, count in self._buckets.items():
            octaves[math.ceil(math.log2(max(LEAST_MS * WIDTH**bucket, 0.125)))] += count
        if not octaves:
            return []
        most = max(octaves.values())
        return [
            f"{2.0**octave:>9g} ms  {octaves[octave]:>9,}  {'#' * math.ceil(BAR * octaves[octave] / most)}"
            for octave in range(min(octaves), max(octaves) + 1)
        ]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
