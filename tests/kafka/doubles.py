"""What the tests of the seam share: settings, a monitor that remembers, listeners, waiting for a condition."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from app.events import BrokerReachable, BrokerUnreachable, Event, Monitor
from app.kafka.protocols import ProducerClient, RecordBatch
from app.messages import TopicPartition
from app.settings import Settings


def settings_of(bootstrap_servers: str, **fields: Any) -> Settings:
    """Settings for one broker, from nothing but the arguments; requests time out after 4 s."""
    values = {"kafka_bootstrap_servers": bootstrap_servers, "kafka_request_timeout_ms": 4000, **fields}
    return Settings(_env_file=None, **values)  # type: ignore[call-arg]  # pydantic-settings adds it


class Remembering:
    """A monitor, and every broker event that it was told, in order."""

    def __init__(self) -> None:
        self.monitor = Monitor()
        self.events: list[Event] = []
        self.monitor.subscribe(BrokerReachable, self.events.append)
        self.monitor.subscribe(BrokerUnreachable, self.events.append)

    @property
    def names(self) -> list[str]:
        return [type(event).__name__ for event in self.events]


class Listener:
    """Remembers what it was told; `on_assignment`, if given, is run with the partitions."""

    def __init__(self, on_assignment: Callable[[frozenset[TopicPartition]], Any] | None = None) -> None:
        self.calls: list[tuple[str, frozenset[TopicPartition]]] = []
        self.on_assignment = on_assignment

    async def on_revoked(self, partitions: frozenset[TopicPartition]) -> None:
        self.calls.append(("revoked", partitions))

    async def on_assigned(self, partitions: frozenset[TopicPartition]) -> None:
        self.calls.append(("assigned", partitions))
        if self.on_assignment is not None:
            await self.on_assignment(partitions)


async def until(condition: Callable[[], Any], timeout_s: float = 15) -> Any:
    """The first true value of `condition`, looked at again and again for at most `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < deadline, "the condition did not become true in time"
        await asyncio.sleep(0.02)
    return value


def batch_of(client: ProducerClient, *values: bytes | None, key: bytes | None = None) -> RecordBatch:
    """A batch of `client` that holds one record for each value."""
    batch = client.new_batch()
    for value in values:
        assert batch.append(timestamp=None, key=key, value=value, headers=[]) is not None
    return batch
