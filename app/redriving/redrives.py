"""The redrives of this instance: those that run and the last that ran."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from app.errors import ConfigurationError, KafkaUnavailable
from app.events import ErrorOccurred, Monitor, RedriveBegun, RedriveEnded
from app.kafka.protocols import TopicView
from app.kafka.tasks import end
from app.messages import TopicPartition
from app.producer import Producer
from app.redriving.memory import OpenReader, RedriveMemory, Redriven
from app.redriving.picking import Picked, pick, pick_all
from app.redriving.plain import PlainSending
from app.redriving.redrive import Redrive, Wanted
from app.redriving.sending import Sender, Sending

KEPT = 100
MOST_RUNNING = 4
ID_PREFIX = "demijohn"
"""Of transactional ids, where PRODUCER_TRANSACTIONAL_ID_PREFIX is not set."""
LOOKUP_TIMEOUT_S = 5.0
STOP_WITHIN_S = 5.0


class RedriveRefused(Exception):
    """It cannot be begun now; the text says why."""


@dataclass(frozen=True, slots=True)
class Means:
    """What redrives work with."""

    cluster: TopicView
    producer: Producer
    open_reader: OpenReader
    monitor: Monitor
    transactions: bool = True
    """Whether the broker has them: messages are sent one by one where it has not."""


class Redrives:
    """Owns their tasks. What is asked of it must have been checked: topics exist, partitions too."""

    def __init__(self, means: Means, memory: RedriveMemory) -> None:
        self._means = means
        self._memory = memory
        self._redrives: OrderedDict[str, Redrive] = OrderedDict()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def shown(self, topic: str) -> Redriven | None:
        """Which dead letters of `topic` went back, for people's eyes; None where that cannot be had now."""
        return await self._memory.shown(topic)

    def all(self) -> Sequence[Redrive]:
        """The latest first."""
        return list(reversed(self._redrives.values()))

    def get(self, redrive_id: str) -> Redrive | None:
        return self._redrives.get(redrive_id)

    async def begin(self, wanted: Wanted) -> Redrive:
        """Begins a redrive; does not wait for it. Raises RedriveRefused, KafkaUnavailable."""
        await self._memory.prepare()
        if any(self._redrives[one].wanted.topic == wanted.topic for one in self._tasks):
            raise RedriveRefused(f"A redrive of {wanted.topic} is running: wait for it, or cancel it")
        if len(self._tasks) >= MOST_RUNNING:
            raise RedriveRefused(f"{MOST_RUNNING} redrives are running: wait for one of them, or cancel it")
        redrive = Redrive(wanted, not_kept=self._memory.why_not_kept)
        self._remember(redrive)
        task = asyncio.create_task(self._run(redrive), name=f"redrive-{redrive.id}")
        self._tasks[redrive.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(redrive.id, None))
        self._means.monitor.emit(RedriveBegun(redrive.id, wanted.topic, wanted.by, wanted.dry_run))
        return redrive

    def _remember(self, redrive: Redrive) -> None:
        self._redrives[redrive.id] = redrive
        over = [one for one in self._redrives if one not in self._tasks and one != redrive.id]
        for one in over[: max(0, len(self._redrives) - KEPT)]:
            del self._redrives[one]

    def cancel(self, redrive_id: str) -> Redrive | None:
        """It ends after the transaction at hand. None where it is not known; nothing happens where it is over."""
        redrive = self._redrives.get(redrive_id)
        if redrive is not None:
            redrive.cancelled.set()
        return redrive

    async def _run(self, redrive: Redrive) -> None:
        try:
            redrive.total = await self._total(redrive.wanted)
            await redrive.run(self._picked(redrive.wanted), self._sender(redrive.wanted))
        except (KafkaUnavailable, ConfigurationError) as error:
            redrive.end("failed", str(error))
        except Exception as error:  # middleware and partitioners are foreign code
            redrive.end("failed", f"{type(error).__name__}: {error}")
            self._means.monitor.emit(ErrorOccurred("redrive", error, topic=redrive.wanted.topic))
        finally:
            self._announce(redrive)

    def _announce(self, redrive: Redrive) -> None:
        counts, wanted = redrive.counts, redrive.wanted
        numbers = (counts.done, counts.skipped, counts.failed)
        state = "cancelled" if redrive.state == "running" else redrive.state
        event = RedriveEnded(redrive.id, wanted.topic, state, *numbers, wanted.dry_run, redrive.detail)
        self._means.monitor.emit(event)

    async def _total(self, wanted: Wanted) -> int:
        """How many records are wanted; of all, how many offsets there are."""
        if wanted.records is not None:
            return sum(len(set(offsets)) for offsets in wanted.records.values())
        total = 0
        for number in range(self._means.cluster.topics()[wanted.topic]):
            at = TopicPartition(wanted.topic, number)
            bounds = await self._means.cluster.offsets(at, timeout_s=LOOKUP_TIMEOUT_S)
            total += bounds[1] - bounds[0] if bounds else 0
        return total

    def _picked(self, wanted: Wanted) -> AsyncGenerator[Picked, None]:
        means = self._means
        most = wanted.at_once if means.transactions else 1
        if wanted.records is not None:
            return pick(means.open_reader, wanted.topic, wanted.records, most)
        return pick_all(means.open_reader, wanted.topic, means.cluster.topics()[wanted.topic], most)

    def _sender(self, wanted: Wanted) -> Sender:
        producer = self._means.producer
        held: Sending = PlainSending(producer)
        if self._means.transactions:
            held = producer.hold_transactions(f"redrive.{wanted.topic}", ID_PREFIX)
        return Sender(wanted.topic, wanted.target, self._means.cluster, self._memory, held)

    async def stop(self) -> None:
        """Cuts what runs; a transaction that is open is aborted. Within 5 s."""
        await end(list(self._tasks.values()), STOP_WITHIN_S)
