"""The client in use, and its replacement when it is of no use any more."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from app.errors import KafkaUnavailable
from app.events import Monitor, ProducerRebuilt
from app.kafka.protocols import ClientOptions, ProducerClient, ProducerOpener

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0
BURST, BURST_WINDOW_S, BURST_PAUSE_S = 20, 10.0, 0.5
"""More than 20 openings within 10 s are half a second apart: a refusal without end must not spin."""
CLOSED_TEXT = "the producer is closed"
AS_CONFIGURED = ClientOptions()


class Clients(Protocol):
    """Where a lane gets its client from."""

    async def current(self) -> tuple[ProducerClient, int]:
        """The client and its generation, opened if need be. Raises KafkaUnavailable."""

    def retire(self, generation: int, reason: str, grace_s: float) -> None:
        """That client is of no use any more. What is in flight on it has `grace_s` to finish."""


class OneClient:
    """One client that is never replaced: `on_broken` is called, once, at the first trouble with it."""

    def __init__(self, client: ProducerClient, on_broken: Callable[[str], None]) -> None:
        self._client = client
        self._on_broken = on_broken
        self._broken: str | None = None

    async def current(self) -> tuple[ProducerClient, int]:
        if not self._client.alive:
            self.retire(1, "its client broke", 0)
        if self._broken is not None:
            raise KafkaUnavailable(self._broken)
        return self._client, 1

    def retire(self, generation: int, reason: str, grace_s: float) -> None:
        if self._broken is None:
            self._broken = reason
            self._on_broken(reason)


class ClientSlot:
    """Holds one client at a time. Each has a generation; a lane that finds its client broken retires that
    generation, and however many do, one new client is opened."""

    def __init__(
        self, open_client: ProducerOpener, monitor: Monitor, producer_id: str, options: ClientOptions = AS_CONFIGURED
    ) -> None:
        self._open_client = open_client
        self._options = options
        self._monitor = monitor
        self._producer_id = producer_id
        self._client: ProducerClient | None = None
        self._opening: asyncio.Task[ProducerClient] | None = None
        self._stopping: set[asyncio.Task[None]] = set()
        self._opened: deque[float] = deque(maxlen=BURST)
        self._pause_s = 0.0
        self._closed = False
        self.generation = 0
        self.rebuilds = 0

    async def current(self) -> tuple[ProducerClient, int]:
        """The client and its generation, opened if need be. Raises KafkaUnavailable."""
        client = self._client
        if client is not None:
            if client.alive:
                return client, self.generation
            self.retire(self.generation, "its sender task died", grace_s=0)
        if self._closed:
            raise KafkaUnavailable(CLOSED_TEXT)
        if self._opening is None:
            self._opening = asyncio.create_task(self._open(), name="producer-open")
            self._opening.add_done_callback(_read)
        opening = self._opening
        await asyncio.wait({opening})
        if opening.cancelled():
            raise KafkaUnavailable(CLOSED_TEXT)
        return opening.result(), self.generation

    async def _open(self) -> ProducerClient:
        try:
            await asyncio.sleep(max(self._pause_s, self._burst_pause_s()))
            self._opened.append(time.monotonic())
            client = await self._open_client(self._options)
        except KafkaUnavailable:
            self._pause_s = min(LONGEST_PAUSE_S, max(FIRST_PAUSE_S, self._pause_s * 2))
            raise
        finally:
            self._opening = None
        self._pause_s = 0.0
        self._client = client
        self.generation += 1
        return client

    def _burst_pause_s(self) -> float:
        crowded = len(self._opened) == BURST and time.monotonic() - self._opened[0] < BURST_WINDOW_S
        return BURST_PAUSE_S if crowded else 0.0

    def retire(self, generation: int, reason: str, grace_s: float) -> None:
        """The next caller gets a new client. What is in flight on the old one has `grace_s` to finish; then
        it is stopped, and nothing of it will ever be sent again. Once for each generation."""
        client = self._client
        if client is None or generation != self.generation:
            return
        self._client = None
        self.rebuilds += 1
        stopping = asyncio.create_task(client.stop(grace_s), name="producer-retire")
        self._stopping.add(stopping)
        stopping.add_done_callback(self._stopping.discard)
        self._monitor.emit(ProducerRebuilt(self._producer_id, reason))

    async def close(self, grace_s: float) -> None:
        """Stops every client, within `grace_s` + 2 s. No other will be opened."""
        self._closed = True
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait({self._opening}, timeout=1.0)
        client, self._client = self._client, None
        if client is not None:
            await client.stop(grace_s)
        if self._stopping:
            await asyncio.wait(self._stopping, timeout=grace_s + 2.0)
        for task in list(self._stopping):
            task.cancel()


def _read(task: asyncio.Task[ProducerClient]) -> None:
    if not task.cancelled():
        task.exception()
