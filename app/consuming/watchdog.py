"""Seeing that a client no longer fetches, although it looks alive: its tasks run, and nothing comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.kafka.protocols import Reading
from app.messages import TopicPartition

STUCK_AFTER_S = 45.0
"""Longer than three requests that time out; a partition is asked for twice a second."""
STUCK_AFTER_MOST_S = 720.0


@dataclass(slots=True)
class _Watched:
    reading: Reading
    since: float


class Watchdog:
    """Watches the partitions that wait for records. Every replaced client makes it more patient, until something moves:
    where a new client helps nothing, the other partitions must not suffer for it again and again."""

    def __init__(self, stuck_after_s: float = STUCK_AFTER_S) -> None:
        self._first_s = self._stuck_after_s = stuck_after_s
        self._watched: dict[TopicPartition, _Watched] = {}
        self._suspect: TopicPartition | None = None

    def look(self, now: float, waiting: Mapping[TopicPartition, Reading]) -> str | None:
        """Why the client must be replaced, or None. `now`: monotonic, seconds; `waiting`: the partitions whose workers
        wait for records although there is nothing in the way, and where they read."""
        for gone in self._watched.keys() - waiting.keys():
            del self._watched[gone]
        for at, reading in waiting.items():
            watched = self._watched.setdefault(at, _Watched(reading, now))
            if watched.reading != reading and not _behind(watched.reading, reading):
                self._watched[at] = _Watched(reading, now)
                self._moved(at)
            elif now - watched.since > self._stuck_after_s:
                return self._stuck(at, reading)
        return None

    def _moved(self, at: TopicPartition) -> None:
        if at == self._suspect:
            self._suspect, self._stuck_after_s = None, self._first_s

    def _stuck(self, at: TopicPartition, reading: Reading) -> str:
        reason = f"nothing has come from {at} for {self._stuck_after_s:g} s: position {reading.position}"
        self._suspect = at
        self._stuck_after_s = min(self._stuck_after_s * 2, STUCK_AFTER_MOST_S)
        self._watched.clear()
        return f"{reason}, end {reading.end}"


def _behind(before: Reading, now: Reading) -> bool:
    """Whether the brokers answer, there are records, and the position does not move."""
    lagging = now.position is not None and now.end is not None and now.position < now.end
    return lagging and before.position == now.position
