"""Tells listeners of single calls: of each of the first in a second, of the others as one."""

from __future__ import annotations

from collections.abc import Iterator

from app.events import (
    LoopLagMeasured,
    MessageProducedAsync,
    MessageProducedSync,
    MessagesProducedAsync,
    MessagesProducedSync,
    Monitor,
)
from app.producer import DeliveryHandle

EACH_PER_S = 20
"""Calls to one topic in a second that are told of one by one; an event for each would cost a tenth of a call."""


class Tally:
    """Calls of one kind in the current second, by topic."""

    def __init__(self) -> None:
        self._calls: dict[str, int] = {}
        self._slowest_ms: dict[str, float] = {}

    def add(self, topic: str, took_ms: float) -> bool:
        """Counts a call; True where it is one of those that are told of one by one."""
        calls = self._calls[topic] = self._calls.get(topic, 0) + 1
        if calls <= EACH_PER_S:
            return True
        if took_ms > self._slowest_ms.get(topic, 0.0):
            self._slowest_ms[topic] = took_ms
        return False

    def rest(self) -> Iterator[tuple[int, float]]:
        """(calls, slowest in ms) of each topic that were not told of one by one; the next second begins."""
        calls, self._calls = self._calls, {}
        slowest_ms, self._slowest_ms = self._slowest_ms, {}
        for topic, number in calls.items():
            if number > EACH_PER_S:
                yield number - EACH_PER_S, slowest_ms.get(topic, 0.0)


class Announcer:
    """Emits MessageProducedSync and MessageProducedAsync; beyond EACH_PER_S, once a second and topic, the
    events that stand for many. With `payloads` the first ones carry the payload."""

    def __init__(self, producer_id: str, monitor: Monitor, *, payloads: bool = False) -> None:
        self._payloads = payloads
        self._producer_id = producer_id
        self._monitor = monitor
        self._delivered = Tally()
        self._queued = Tally()
        monitor.subscribe(LoopLagMeasured, self._second_passed)

    def verdict(self, handle: DeliveryHandle) -> None:
        """A sync call for this message came back with its verdict."""
        topic, took_ms = handle.topic, handle.latency_ms
        if self._delivered.add(topic, took_ms) and self._monitor.listens(MessageProducedSync):
            report = handle.report
            if report is not None:
                payload = handle.value if self._payloads else None
                self._monitor.emit(MessageProducedSync(self._producer_id, topic, took_ms, report, payload))

    def queued(self, topic: str, payload: bytes | None = None) -> None:
        """An async call was answered with a receipt."""
        if self._queued.add(topic, 0.0) and self._monitor.listens(MessageProducedAsync):
            shown = payload if self._payloads else None
            self._monitor.emit(MessageProducedAsync(self._producer_id, topic, shown))

    def _second_passed(self, _: LoopLagMeasured) -> None:
        for calls, slowest_ms in self._delivered.rest():
            self._monitor.emit(MessagesProducedSync(self._producer_id, calls, 1, slowest_ms))
        for calls, _never in self._queued.rest():
            self._monitor.emit(MessagesProducedAsync(self._producer_id, calls, 1))
