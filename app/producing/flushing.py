"""Flushes of the buffer: by call, by age, by number. What could not be sent goes back to its front."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from app.errors import ProduceError, ProduceManyError, UnknownTopic
from app.events import BufferFlushed, ErrorOccurred, Monitor
from app.messages import DeliveryReport
from app.producing.budget import QueueBudget
from app.producing.buffer import MessageBuffer
from app.producing.handle import DeliveryHandle
from app.producing.owned_tasks import OwnedTasks
from app.producing.preparation import Preparation, Prepared
from app.settings import Settings

Accept = Callable[[Prepared, bool], DeliveryHandle]
"""Accepts a message: (message, whether it counts against the queue's bound)."""
ACCEPT_AT_ONCE = 500
"""Messages accepted before others get their turn on the loop."""
CLOSE_S = 1.0


class Flusher:
    """Owns the buffer, and the tasks of flushes that nobody waits for. `accept` is for flushes by age and number."""

    def __init__(
        self,
        settings: Settings,
        preparation: Preparation,
        budget: QueueBudget,
        monitor: Monitor,
        producer_id: str,
        accept: Accept,
    ) -> None:
        max_age_ms = settings.producer_buffer_max_age_ms
        self.buffer = MessageBuffer(
            preparation,
            None if max_age_ms is None else max_age_ms / 1000,
            settings.producer_buffer_max_messages,
            self._due,
        )
        self._budget = budget
        self._monitor = monitor
        self._producer_id = producer_id
        self._by_itself: asyncio.Task[None] | None = None
        self._tasks: OwnedTasks[list[DeliveryHandle]] = OwnedTasks(self._failed)
        self._accept = accept
        self._closed = False

    async def flush_sync(self, accept: Accept) -> list[DeliveryReport]:
        """Sends everything and waits for all verdicts. Raises as `Producer.flush_sync` says."""
        started = time.monotonic()
        async with self.buffer.flushing:
            prepared = self.buffer.take()
            handles = await self._accept_all(prepared, accept, queued=False)
            reports = [await handle.wait() for handle in handles]
            back = [item for item, report in zip(prepared, reports, strict=False) if _goes_back(report.error)]
            self.buffer.put_back(back)
        refused = sum(report.error is not None for report in reports) - len(back)
        self._announce(len(handles), len(back), refused, started)
        if any(report.error is not None for report in reports):
            raise ProduceManyError(reports)
        return reports

    def flush_async(self, accept: Accept) -> asyncio.Task[list[DeliveryHandle]]:
        """Begins to queue everything; the task gives the handles."""
        return self._tasks.spawn(self._flush_async(accept))

    async def _flush_async(self, accept: Accept) -> list[DeliveryHandle]:
        started = time.monotonic()
        async with self.buffer.flushing:
            prepared = self.buffer.take()
            handles = await self._accept_all(prepared, accept, queued=True)
        self._announce(len(handles), 0, 0, started)
        return handles

    async def _accept_all(self, prepared: Sequence[Prepared], accept: Accept, *, queued: bool) -> list[DeliveryHandle]:
        """All of them, or an error that left the rest in the buffer."""
        handles: list[DeliveryHandle] = []
        started = time.monotonic()
        try:
            for item in prepared:
                if queued and not self._budget.free(1, item.encoded.size_bytes):
                    await self._budget.room(1, item.encoded.size_bytes)
                handles.append(accept(item, queued))
                if len(handles) % ACCEPT_AT_ONCE == 0:
                    await asyncio.sleep(0)
        except ProduceError:
            if queued or not handles:
                self._announce(len(handles), len(prepared) - len(handles), 0, started)
                raise
        finally:
            self.buffer.put_back(prepared[len(handles) :])
        return handles

    def _announce(self, sent: int, returned: int, refused: int, started: float) -> None:
        took_ms = (time.monotonic() - started) * 1000
        self._monitor.emit(BufferFlushed(self._producer_id, sent, returned, refused, took_ms))

    def _due(self) -> None:
        if not self._closed and (self._by_itself is None or self._by_itself.done()):
            self._by_itself = asyncio.create_task(self._flush_by_itself(), name="producer-flush")

    async def _flush_by_itself(self) -> None:
        try:
            await self._flush_async(self._accept)
            while self.buffer.full:
                await self._flush_async(self._accept)
        except Exception as error:  # of a middleware too: nobody else would hear of it
            self._failed(error)

    def _failed(self, error: BaseException) -> None:
        self._monitor.emit(ErrorOccurred("producer.flush", error))

    async def close(self) -> None:
        """Lets flushes end that have begun; what they cannot send is in the buffer then."""
        self._closed = True
        deadline = time.monotonic() + CLOSE_S
        await self._tasks.wait(CLOSE_S)
        if self._by_itself is not None:
            await asyncio.wait({self._by_itself}, timeout=max(0.0, deadline - time.monotonic()))


def _goes_back(error: ProduceError | None) -> bool:
    """Whether a message is certainly not stored and may be sent later."""
    return error is not None and error.stored is False and (error.retriable or isinstance(error, UnknownTopic))
