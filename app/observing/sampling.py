"""Keeps the log readable under load: so many lines of a kind in a second, the others are counted."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

LINES_PER_S = 10
KINDS_KEPT = 10_000


class Suppressed(NamedTuple):
    """How many lines of a kind were left out in the second that is over."""

    kind: str
    topic: str
    lines: int


class Sampler:
    """Lets the first lines of each kind and topic in a second pass."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._second = 0
        self._seen: dict[tuple[str, str], int] = {}

    def passes(self, kind: str, topic: str) -> bool:
        """Whether a line of this kind about this topic is written now; otherwise it is counted."""
        key = (kind, topic)
        seen = self._seen.get(key, 0)
        if not seen and len(self._seen) >= KINDS_KEPT:
            return False
        self._seen[key] = seen + 1
        return seen < LINES_PER_S

    def next_second(self) -> list[Suppressed]:
        """What was left out since the last call, if that is a second ago; counting starts anew."""
        second = int(self._clock())
        if second == self._second or not self._seen:
            return []
        self._second = second
        seen, self._seen = self._seen, {}
        return [Suppressed(*key, lines - LINES_PER_S) for key, lines in seen.items() if lines > LINES_PER_S]
