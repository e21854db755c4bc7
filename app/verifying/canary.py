"""Runs the canary: senders at a rate, one reader of its own, and the wait for what is still to come."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from app.errors import DemijohnError
from app.exploring.cursors import Cursor
from app.exploring.explorer import Explorer, Wanted
from app.kafka.log_reader import StoredRecord
from app.kafka.tasks import end
from app.verifying.ledger import Ledger
from app.verifying.service_calls import Mode, Verdict

SETTLE_LOOK_S = 0.05
AGAIN_S = 0.5
END_WITHIN_S = 2.0


class Sends(Protocol):
    """The service, or what stands for it."""

    async def send(self, mode: Mode, messages: Sequence[dict[str, Any]]) -> list[Verdict]: ...


@dataclass(frozen=True, slots=True)
class Course:
    """`rate_per_s` messages of all partitions together, for `duration_s`; then up to `settle_s` for the rest. `batch`:
    messages in a call of mode batch. `padding`: bytes that make each longer."""

    topic: str
    partitions: int
    rate_per_s: float
    duration_s: float
    settle_s: float = 30.0
    mode: Mode = "sync"
    batch: int = 100
    padding: int = 0


class Canary:
    """Owns the tasks of one run. `ledger` tells how far it is, at any time."""

    def __init__(self, course: Course, service: Sends, explorer: Explorer) -> None:
        self.ledger = Ledger()
        self.run_id = uuid.uuid4().hex[:12]
        self._course = course
        self._service = service
        self._explorer = explorer
        self._stopped = asyncio.Event()
        self.trouble: str | None = None
        """Why the reader could not read, last."""

    def stop(self) -> None:
        """Nothing more is sent; what is under way is waited for."""
        self._stopped.set()

    @property
    def stopped(self) -> bool:
        """Whether it was told to stop."""
        return self._stopped.is_set()

    async def run(self, starts: Cursor) -> None:
        """Until all is sent and seen, or the time for that is over. `starts`: where the topic ended before.

        Raises ServiceRefused.
        """
        reader = asyncio.create_task(self._read(starts), name="canary-reader")
        senders = [
            asyncio.create_task(self._send(partition), name=f"canary-sender-{partition}")
            for partition in range(self._course.partitions)
        ]
        try:
            await asyncio.gather(*senders)
            await self._settle()
        finally:
            await end([*senders, reader], END_WITHIN_S)

    async def _send(self, partition: int) -> None:
        course = self._course
        at_once = course.batch if course.mode == "batch" else 1
        pause_s = at_once * course.partitions / course.rate_per_s
        due = time.monotonic() + pause_s * partition / course.partitions
        until = time.monotonic() + course.duration_s
        while due < until and not self._stopped.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, due - time.monotonic())):
                    await self._stopped.wait()
            if self._stopped.is_set():
                return
            await self._call(partition, at_once)
            due = max(due + pause_s, time.monotonic() - pause_s)

    async def _call(self, partition: int, count: int) -> None:
        numbers = [self.ledger.next_number(partition) for _ in range(count)]
        began = time.time()
        messages = [
            {"topic": self._course.topic, "partition": partition, "payload": self._payload(number, began)}
            for number in numbers
        ]
        verdicts = await self._service.send(self._course.mode, messages)
        took_ms = (time.time() - began) * 1000
        for number, verdict in zip(numbers, verdicts, strict=True):
            self.ledger.verdict(partition, number, verdict.status, verdict.offset, took_ms)

    def _payload(self, number: int, sent_at: float) -> dict[str, Any]:
        payload = {"canary": self.run_id, "number": number, "sent_at": sent_at}
        return payload | ({"padding": "x" * self._course.padding} if self._course.padding else {})

    async def _read(self, starts: Cursor) -> None:
        places = dict(starts.places)
        while True:
            cursor = Cursor(starts.topic, "oldest", dict(places))
            wanted = Wanted(starts.topic, "newer", cursor, isolation="read_uncommitted", order="oldest")
            try:
                async with contextlib.aclosing(self._explorer.read(wanted, follow=True)) as records:
                    async for record in records:
                        self._see(record)
                        places[record.partition] = record.offset + 1
            except DemijohnError as error:
                self.trouble = str(error)
            await asyncio.sleep(AGAIN_S)

    def _see(self, record: StoredRecord) -> None:
        try:
            payload = orjson.loads(record.value or b"")
        except ValueError:
            payload = None
        if not isinstance(payload, dict) or payload.get("canary") != self.run_id:
            self.ledger.foreign += 1
            return
        took_ms = (time.time() - payload["sent_at"]) * 1000
        self.ledger.seen(record.partition, payload["number"], record.offset, max(0.0, took_ms))

    async def _settle(self) -> None:
        """Returns when everything that was delivered is seen, and nothing unknown can come any more; or in time."""
        until = time.monotonic() + self._course.settle_s
        while (self.ledger.lost or self.ledger.undecided) and time.monotonic() < until:
            await asyncio.sleep(SETTLE_LOOK_S)
        await asyncio.sleep(SETTLE_LOOK_S * 4)  # a second copy would come right behind the first
