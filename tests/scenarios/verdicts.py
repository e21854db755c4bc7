"""A steady load on a producer, and whether its verdicts agree with what the topic holds."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from app.errors import ProduceError, ProduceManyError
from app.events import MessagesSettled
from app.messages import DeliveryReport
from app.producer import Producer
from tests.scenarios.stage import Stage
from tests.scenarios.witness import stored_in

PACE_S = 0.005
BATCH = 10


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the producer said of one message; `report` is None where it was refused before it was accepted."""

    payload: bytes
    status: str
    report: DeliveryReport | None


class Load:
    """Callers that send numbered messages, one after the other, until they are told to stop."""

    def __init__(self, producer: Producer, topic: str) -> None:
        self.verdicts: list[Verdict] = []
        self._producer = producer
        self._topic = topic
        self._numbers = itertools.count()
        self._stopping = False
        self._sent = 0

    def count(self, status: str) -> int:
        return sum(verdict.status == status for verdict in self.verdicts)

    def delivered(self) -> set[str]:
        """The payloads that Kafka has, as text."""
        return {verdict.payload.decode() for verdict in self.verdicts if verdict.status == "delivered"}

    @asynccontextmanager
    async def running(
        self, sync_callers: int = 3, async_callers: int = 2, batch_callers: int = 2
    ) -> AsyncIterator[None]:
        """Callers at work; at the end all of them have their verdicts."""
        kinds = [self._call_sync] * sync_callers + [self._call_async] * async_callers
        kinds += [self._call_batch] * batch_callers
        callers = [asyncio.create_task(call(f"caller-{number}")) for number, call in enumerate(kinds)]
        try:
            yield
        finally:
            self._stopping = True
            await asyncio.wait_for(asyncio.gather(*callers), 60)

    async def _call_sync(self, key: str) -> None:
        while not self._stopping:
            payload = b"%d" % next(self._numbers)
            try:
                self._judge(payload, await self._producer.produce_sync(topic=self._topic, payload=payload, key=key))
            except ProduceError as error:
                status = "unknown" if error.code == "delivery_unknown" else "failed"
                self.verdicts.append(Verdict(payload, status, None))
            await asyncio.sleep(PACE_S)

    async def _call_async(self, key: str) -> None:
        handles = []
        while not self._stopping:
            payload = b"%d" % next(self._numbers)
            handles.append((payload, await self._producer.produce_async(topic=self._topic, payload=payload, key=key)))
            await asyncio.sleep(PACE_S)
        for payload, handle in handles:
            self._judge(payload, await handle.wait())

    async def _call_batch(self, key: str) -> None:
        while not self._stopping:
            payloads = [b"%d" % next(self._numbers) for _ in range(BATCH)]
            messages = [{"topic": self._topic, "payload": payload, "key": key} for payload in payloads]
            try:
                reports = await self._producer.produce_many_sync(messages)
            except ProduceManyError as error:
                reports = list(error.reports)
            except ProduceError:  # of the first message: none was accepted
                self.verdicts += [Verdict(payload, "failed", None) for payload in payloads]
                reports = []
            for payload, report in zip(payloads, reports, strict=False):
                self._judge(payload, report)
            await asyncio.sleep(PACE_S)

    def _judge(self, payload: bytes, report: DeliveryReport) -> None:
        self.verdicts.append(Verdict(payload, report.status, report))


async def assert_verdicts_are_true(stage: Stage, topic: str, load: Load) -> None:
    """Each message has one verdict; what is delivered lies at its place, once; what failed lies nowhere."""
    stored = await stored_in(stage.servers, topic)
    at = {(record.partition, record.offset): record.value for record in stored}
    copies = Counter(record.value for record in stored)
    verdicts = load.verdicts
    assert len({verdict.payload for verdict in verdicts}) == len(verdicts)
    for verdict in verdicts:
        if verdict.status == "delivered":
            assert verdict.report is not None
            partition, offset = verdict.report.partition, verdict.report.offset
            assert partition is not None
            assert offset is not None
            assert at.get((partition, offset)) == verdict.payload, verdict
            assert copies[verdict.payload] == 1, verdict
        elif verdict.status == "failed":
            assert copies[verdict.payload] == 0, verdict
        else:
            assert verdict.status == "unknown"
            assert copies[verdict.payload] <= 1, verdict
    assert copies.keys() <= {verdict.payload for verdict in verdicts}
    assert stage.producer.in_flight == 0
    if settled := stage.happened(MessagesSettled):
        told: Counter[str] = Counter()
        for event in settled:
            told[event.status] += event.messages
        assert (told["delivered"], told["unknown"]) == (load.count("delivered"), load.count("unknown"))
        assert told["failed"] <= load.count("failed"), "some were refused before they were accepted"
