"""What the dashboard says of producing."""

from __future__ import annotations

from collections import Counter
from typing import Any

from app.events import MessagesAccepted, MessagesSettled, Monitor, ProducerRebuilt
from app.observing.figures import Counted, Samples
from app.observing.reasons import Sources
from app.settings import Settings


class ProduceFigures:
    """Counts accepted messages and their verdicts."""

    def __init__(self, settings: Settings, monitor: Monitor) -> None:
        self._settings = settings
        self._accepted = Counted()
        self._by_status = {"delivered": Counted(), "failed": Counted(), "unknown": Counted()}
        self._by_code: Counter[str] = Counter()
        self._ack_ms = Samples()
        self._client_rebuilds = 0
        monitor.subscribe(MessagesAccepted, self._messages_accepted)
        monitor.subscribe(MessagesSettled, self._messages_settled)
        monitor.subscribe(ProducerRebuilt, self._producer_rebuilt)

    def _messages_accepted(self, event: MessagesAccepted) -> None:
        self._accepted.add(event.messages)

    def _messages_settled(self, event: MessagesSettled) -> None:
        self._by_status[event.status].add(event.messages)
        if event.code is not None:
            self._by_code[event.code] += event.messages
        if event.status == "delivered":
            self._ack_ms.add(event.latency_ms)

    def _producer_rebuilt(self, _: ProducerRebuilt) -> None:
        self._client_rebuilds += 1

    def totals(self) -> dict[str, float]:
        """What was counted since the start; what is unknown counts as failed."""
        delivered, failed, unknown = (self._by_status[status].total for status in ("delivered", "failed", "unknown"))
        return {"produced": delivered, "failed": failed + unknown}

    def ack_ms(self) -> dict[str, float | None]:
        """From acceptance to the verdict `delivered`, the median and the 99th percentile of the latest."""
        found = self._ack_ms.percentiles((50, 99))
        return {"ack_p50_ms": found["p50"], "ack_p99_ms": found["p99"]}

    def document(self, sources: Sources) -> dict[str, Any]:
        """The `produce` part of the snapshot."""
        delivered, failed, unknown = (self._by_status[status] for status in ("delivered", "failed", "unknown"))
        oldest_s = sources.producer.queue_oldest_s
        return {
            "accepted": self._accepted.total,
            "delivered": delivered.total,
            "failed": failed.total,
            "unknown": unknown.total,
            "by_code": dict(self._by_code),
            "per_s": {
                "accepted": round(self._accepted.rate.per_s, 2),
                "delivered": round(delivered.rate.per_s, 2),
                "failed": round(failed.rate.per_s, 2),
            },
            "ack_ms": self._ack_ms.percentiles((50, 95, 99)),
            "in_flight": sources.producer.in_flight,
            "in_flight_limit": self._settings.http_max_in_flight,
            "queue": {
                "messages": sources.producer.queue_messages,
                "limit": self._settings.producer_queue_messages,
                "bytes": sources.producer.queue_bytes,
                "oldest_s": None if oldest_s is None else round(oldest_s, 3),
            },
            "receipts": dict(sources.receipts()),
            "client_rebuilds": self._client_rebuilds,
        }
