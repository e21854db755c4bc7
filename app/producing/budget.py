"""The bound of the queue of async calls: so many messages, so many bytes, and a fair wait for room."""

from __future__ import annotations

import asyncio
import time
from collections import deque

from app.errors import QueueFull
from app.events import Monitor, QueueFullWaited
from app.producing.handle import DeliveryHandle, wait_for_future


class QueueBudget:
    """Counts what async calls have queued, from acceptance until it is handed over or settled."""

    def __init__(self, max_messages: int, max_bytes: int, full_wait_s: float, monitor: Monitor) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._full_wait_s = full_wait_s
        self._monitor = monitor
        self._waiters: deque[tuple[asyncio.Future[None], int, int]] = deque()
        self.messages = 0
        self.size_bytes = 0
        self._queued_at: dict[int, float] = {}

    def fits(self, messages: int, size_bytes: int) -> bool:
        """Whether there is room now. What alone is larger than the bound fits an empty queue."""
        if self.messages == 0:
            return True
        return self.messages + messages <= self._max_messages and self.size_bytes + size_bytes <= self._max_bytes

    def take(self, handle: DeliveryHandle, *, admitted: bool = False) -> None:
        """Counts `handle` until `release`. Raises QueueFull when there is no room, unless it was `admitted`."""
        if not admitted and not self.fits(1, handle.size_bytes):
            raise QueueFull(self._full_text())
        self.messages += 1
        self.size_bytes += handle.size_bytes
        self._queued_at[id(handle)] = handle.accepted_at

    def release(self, handle: DeliveryHandle) -> None:
        """`handle` has left the queue."""
        self.messages -= 1
        self.size_bytes -= handle.size_bytes
        self._queued_at.pop(id(handle), None)
        self._admit()

    @property
    def oldest_s(self) -> float | None:
        """Age of the message that has been queued longest; None when the queue is empty."""
        first = next(iter(self._queued_at.values()), None)
        return None if first is None else time.monotonic() - first

    def free(self, messages: int, size_bytes: int) -> bool:
        """Whether `room` would return at once: so much fits, and nobody waits who came before."""
        return not self._waiters and self.fits(messages, size_bytes)

    async def room(self, messages: int, size_bytes: int) -> None:
        """Returns when so much fits, first come first served. Raises QueueFull after the configured wait."""
        if self.free(messages, size_bytes):
            return
        started = time.monotonic()
        admitted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter = (admitted, messages, size_bytes)
        self._waiters.append(waiter)
        try:
            await wait_for_future(admitted, self._full_wait_s)
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
        waited_ms = (time.monotonic() - started) * 1000
        self._monitor.emit(QueueFullWaited(waited_ms, refused=not admitted.done()))
        if not admitted.done():
            raise QueueFull(self._full_text())

    def _admit(self) -> None:
        while self._waiters:
            admitted, messages, size_bytes = self._waiters[0]
            if not admitted.done() and not self.fits(messages, size_bytes):
                return
            self._waiters.popleft()
            if not admitted.done():
                admitted.set_result(None)
                return

    def _full_text(self) -> str:
        return (
            f"The queue holds {self.messages} of {self._max_messages} messages, {self.size_bytes} of "
            f"{self._max_bytes} bytes: nothing was taken, try again later"
        )
