"""Sends dead letters back, each together with the memory that it was sent, in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from app.errors import (
    KafkaUnavailable,
    ProduceError,
    ProducerClosed,
    TransactionAborted,
    TransactionFenced,
    TransactionUnknown,
)
from app.kafka.protocols import TopicView
from app.kafka.tasks import reason
from app.messages import DeliveryReport, OutgoingMessage, Record, TopicPartition
from app.redriving.letters import NoWayBack, message_of
from app.redriving.memory import RedriveMemory, Redriven
from app.redriving.ranges import Ranges

LOOKUP_TIMEOUT_S = 5.0
PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Between tries where Kafka is in trouble; after the last the redrive fails, and may be run again."""


@dataclass(slots=True)
class Counts:
    """What became of some dead letters. `skipped`: redriven before; `why`: of the first that failed."""

    done: int = 0
    skipped: int = 0
    failed: int = 0
    why: str | None = None

    def fail(self, record: Record, why: str) -> None:
        self.failed += 1
        self.why = self.why or f"{record.topic}-{record.partition} at {record.offset}: {why}"

    def add(self, other: Counts) -> None:
        self.done += other.done
        self.skipped += other.skipped
        self.failed += other.failed
        self.why = self.why or other.why


Letter = tuple[Record, OutgoingMessage]


class Sending(Protocol):
    """Stores messages, all or none; `app.producer.HeldTransactions` does."""

    async def initialise(self) -> None: ...
    async def send_all(self, messages: Sequence[OutgoingMessage]) -> Sequence[DeliveryReport]: ...
    async def close(self) -> None: ...


class Sender:
    """Of one redrive of one DLQ. Whoever begins another one of the same DLQ, anywhere, ends it."""

    def __init__(
        self, topic: str, target: str | None, cluster: TopicView, memory: RedriveMemory, held: Sending
    ) -> None:
        self._topic = topic
        self._target = target
        self._cluster = cluster
        self._memory = memory
        self._held = held
        self._redriven: Redriven = {}

    async def begin(self) -> None:
        """From now on nobody else redrives the DLQ, and what others have sent is known. Raises KafkaUnavailable."""
        await self._held.initialise()
        await self.look()

    async def look(self) -> None:
        """What was sent before is known; for a dry run, which disturbs nobody. Raises KafkaUnavailable."""
        found = await self._memory.read(self._topic)
        for number, ranges in found.items():
            bounds = await self._cluster.offsets(TopicPartition(self._topic, number), timeout_s=LOOKUP_TIMEOUT_S)
            found[number] = ranges.without_before(bounds[0] if bounds else 0)
        self._redriven = found

    async def close(self) -> None:
        """Within 2 s."""
        await self._held.close()

    def sort(self, records: Sequence[Record]) -> tuple[list[Letter], Counts]:
        """What is to be sent of `records`, and the counts of the others."""
        letters: list[Letter] = []
        counts = Counts()
        for record in records:
            if self._sent(record):
                counts.skipped += 1
                continue
            try:
                letters.append((record, message_of(record, self._target, self._cluster.topics())))
            except NoWayBack as error:
                counts.fail(record, str(error))
        return letters, counts

    def _sent(self, record: Record) -> bool:
        ranges = self._redriven.get(record.partition)
        return ranges is not None and record.offset in ranges

    async def send(self, letters: Sequence[Letter]) -> Counts:
        """Sends all in one transaction; where one of them cannot be sent, each in its own. Raises KafkaUnavailable,
        TransactionFenced, ProducerClosed: what was sent until then is remembered."""
        counts = Counts()
        if not letters:
            return counts
        try:
            await self._store(letters)
            counts.done = len(letters)
        except ProducerClosed:
            raise
        except ProduceError as error:
            if len(letters) == 1:
                counts.fail(letters[0][0], error.detail)
                return counts
            for letter in letters:
                counts.add(await self.send([letter]))
        return counts

    async def _store(self, letters: Sequence[Letter]) -> None:
        """Raises ProduceError where one of them can never be stored; then none is."""
        for pause_s in (*PAUSES_S, None):
            try:
                return await self._transaction(letters)
            except TransactionUnknown:
                await self.begin()
                if all(self._sent(record) for record, _ in letters):
                    return None
            except (TransactionAborted, KafkaUnavailable) as error:
                why = _lasting(error)
                if why is not None:
                    raise why from error
                if pause_s is None:
                    raise KafkaUnavailable(f"Nothing more could be sent: {reason(error)}") from error
                await asyncio.sleep(pause_s)
        raise KafkaUnavailable("It is not known what became of the last messages: run it again")

    async def _transaction(self, letters: Sequence[Letter]) -> None:
        offsets: dict[int, list[int]] = {}
        for record, _ in letters:
            offsets.setdefault(record.partition, []).append(record.offset)
        after = {at: self._redriven.get(at, Ranges()).with_offsets(more) for at, more in offsets.items()}
        messages = [message for _, message in letters]
        await self._held.send_all([*messages, *self._memory.messages(self._topic, after)])
        self._redriven.update(after)
        self._memory.committed(self._topic, after)


def _lasting(error: Exception) -> ProduceError | None:
    """What is wrong with a message, where that is why its transaction was aborted, and time will not heal it."""
    cause = error.__cause__
    return cause if isinstance(cause, ProduceError) and not cause.retriable else None


FENCED = "Another redrive of the same topic has begun, perhaps at another instance"
ENDS = (KafkaUnavailable, TransactionFenced, ProducerClosed)
"""With these a redrive fails; run again it goes on where it was."""


def why_ended(error: Exception) -> str:
    """In words."""
    return FENCED if isinstance(error, TransactionFenced) else reason(error)
