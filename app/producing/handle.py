"""One accepted message on its way to its one verdict."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from app.errors import BrokerUnavailable, ProduceError
from app.messages import DeliveryReport, Status, status_of
from app.producing.contract import Encoded

QUEUED, HANDED_OVER, SETTLED = 0, 1, 2
OnSettled = Callable[["DeliveryHandle"], None]


class DeliveryHandle:
    """Follows one message: queued in our own queue, handed over to the client, settled by one verdict.

    `partition`, `offset` are None until known; `timestamp` is in milliseconds; `deadline` and `accepted_at`
    are of `time.monotonic`. `awaited`: a call waits for it, so it fails where Kafka is known to be away.
    """

    __slots__ = (
        "_also_on_settled",
        "_on_settled",
        "_prefix",
        "_release",
        "_sequence",
        "_waiters",
        "_withdrawn",
        "accepted_at",
        "attempts",
        "awaited",
        "deadline",
        "error",
        "headers",
        "key",
        "label",
        "latency_ms",
        "offset",
        "partition",
        "partition_key",
        "size_bytes",
        "state",
        "timestamp",
        "topic",
        "value",
    )

    def __init__(
        self,
        topic: str,
        encoded: Encoded,
        partition: int | None,
        label: Any,
        deadline_s: float,
        identity: tuple[str, int],
    ) -> None:
        self.topic = topic
        self.value = encoded.value
        self.key = encoded.key
        self.partition_key = encoded.partition_key
        self.headers = encoded.headers
        self.size_bytes = encoded.size_bytes
        timestamp_ms = encoded.timestamp_ms
        self.timestamp: int = timestamp_ms if timestamp_ms is not None else int(time.time() * 1000)
        self.partition = partition
        self.label = label
        self.accepted_at = time.monotonic()
        self.deadline = self.accepted_at + deadline_s
        self.state = QUEUED
        self.offset: int | None = None
        self.error: ProduceError | None = None
        self.latency_ms = 0.0
        self.attempts = 0
        self.awaited = False
        self._prefix, self._sequence = identity
        self._waiters: tuple[asyncio.Future[None], ...] = ()
        self._on_settled: OnSettled | None = None
        self._also_on_settled: OnSettled | None = None
        self._release: OnSettled | None = None
        self._withdrawn: OnSettled | None = None

    @property
    def message_id(self) -> str:
        return f"{self._prefix}-{self._sequence:x}"

    @property
    def done(self) -> bool:
        """Whether the verdict is there."""
        return self.state == SETTLED

    @property
    def status(self) -> Status | None:
        """`delivered`, `failed`, `unknown`; None while there is no verdict."""
        return status_of(self.error) if self.state == SETTLED else None

    @property
    def report(self) -> DeliveryReport | None:
        """The verdict, None while there is none."""
        if self.state != SETTLED:
            return None
        return DeliveryReport(
            topic=self.topic,
            partition=self.partition,
            offset=self.offset,
            timestamp=self.timestamp,
            error=self.error,
            label=self.label,
            key=self.key,
            latency_ms=self.latency_ms,
            attempts=self.attempts,
            message_id=self.message_id,
        )

    @property
    def held(self) -> bool:
        """Whether it counts against the bound of our own queue: an async message that was never handed over."""
        return self._release is not None

    def watch(
        self,
        on_settled: OnSettled | None,
        release: OnSettled | None,
        withdrawn: OnSettled,
        also: OnSettled | None = None,
    ) -> None:
        """`on_settled` is called at the verdict, and then `also`; `release` when the message leaves our own queue;
        `withdrawn` when it was taken back."""
        self._on_settled = on_settled
        self._also_on_settled = also
        self._release = release
        self._withdrawn = withdrawn

    async def settled(self, timeout_s: float | None = None) -> bool:
        """Waits for the verdict, at most `timeout_s`; False when none came. Cancelling it changes nothing."""
        if self.state == SETTLED:
            return True
        if timeout_s is None:
            timeout_s = self.deadline - self.accepted_at + 10
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        self._waiters = (*self._waiters, waiter)
        timer = loop.call_later(timeout_s, _wake, waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiters = tuple(other for other in self._waiters if other is not waiter)
        return self.done

    async def wait(self, timeout_s: float | None = None) -> DeliveryReport:
        """The report, once there is one. Raises TimeoutError after `timeout_s`; the delivery goes on."""
        await self.settled(timeout_s)
        report = self.report
        if report is None:
            raise TimeoutError(f"No verdict on message {self.message_id} within {timeout_s} s")
        return report

    def withdraw(self) -> bool:
        """Takes the message back if it is still in our own queue: it fails, and is certainly not stored."""
        if self.state != QUEUED:
            return False
        self.settle(BrokerUnavailable("Kafka did not take the message in time; it was withdrawn and is not stored"))
        if self._withdrawn is not None:
            self._withdrawn(self)
        return True

    def hand_over(self) -> None:
        """It now is with the client: from here on it may be stored."""
        self.state = HANDED_OVER
        self.attempts += 1
        if self._release is not None:
            self._leave_queue(self._release)

    def take_back(self) -> None:
        """The client certainly did not store it: it is ours again."""
        self.state = QUEUED

    def settle(self, error: ProduceError | None, offset: int | None = None) -> None:
        """The verdict. Only the first one counts."""
        if self.state == SETTLED:
            return
        self.state = SETTLED
        self.error = error
        self.offset = offset
        self.latency_ms = (time.monotonic() - self.accepted_at) * 1000
        if self._release is not None:
            self._leave_queue(self._release)
        for waiter in self._waiters:
            _wake(waiter)
        if self._on_settled is not None:
            on_settled, self._on_settled = self._on_settled, None
            on_settled(self)
        if self._also_on_settled is not None:
            also, self._also_on_settled = self._also_on_settled, None
            also(self)

    def _leave_queue(self, release: OnSettled) -> None:
        self._release = None
        release(self)


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


async def wait_for_future(future: asyncio.Future[None], timeout_s: float) -> None:
    """Returns when `future` is done or `timeout_s` have passed; the future itself is never cancelled."""
    if future.done():
        return
    loop = asyncio.get_running_loop()
    wake: asyncio.Future[None] = loop.create_future()

    def finish(_: object = None) -> None:
        if not wake.done():
            wake.set_result(None)

    timer = loop.call_later(timeout_s, finish)
    future.add_done_callback(finish)
    try:
        await wake
    finally:
        timer.cancel()
        future.remove_done_callback(finish)
