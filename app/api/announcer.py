"""Tells listeners of sync calls that came back: each of the first in a second, the others as one."""

from __future__ import annotations

from app.events import LoopLagMeasured, MessageProducedSync, MessagesProducedSync, Monitor
from app.producer import DeliveryHandle

EACH_PER_S = 20
"""Calls to one topic in a second that are told of one by one; an event for each would cost a tenth of a call."""


class Announcer:
    """Emits MessageProducedSync; beyond EACH_PER_S, once a second and topic, MessagesProducedSync."""

    def __init__(self, producer_id: str, monitor: Monitor) -> None:
        self._producer_id = producer_id
        self._monitor = monitor
        self._calls: dict[str, int] = {}
        self._slowest_ms: dict[str, float] = {}
        monitor.subscribe(LoopLagMeasured, self._second_passed)

    def verdict(self, handle: DeliveryHandle) -> None:
        """A call for this message came back with its verdict."""
        topic = handle.topic
        calls = self._calls[topic] = self._calls.get(topic, 0) + 1
        if calls > EACH_PER_S:
            if handle.latency_ms > self._slowest_ms.get(topic, 0.0):
                self._slowest_ms[topic] = handle.latency_ms
            return
        report = handle.report if self._monitor.listens(MessageProducedSync) else None
        if report is not None:
            self._monitor.emit(MessageProducedSync(self._producer_id, topic, handle.latency_ms, report))

    def _second_passed(self, _: LoopLagMeasured) -> None:
        calls, self._calls = self._calls, {}
        slowest_ms, self._slowest_ms = self._slowest_ms, {}
        for topic, number in calls.items():
            if number > EACH_PER_S:
                took_ms = slowest_ms.get(topic, 0.0)
                self._monitor.emit(MessagesProducedSync(self._producer_id, number - EACH_PER_S, 1, took_ms))
