"""Runs a whole routing table: every group of it, from start to an ordered stop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from app.consumer import SeekTarget
from app.consuming.clock import Clock
from app.consuming.group import GroupRunner
from app.consuming.instances import Instances
from app.consuming.seeking import Sought
from app.consuming.surroundings import Surroundings
from app.consuming.threads import ThreadPool
from app.errors import KafkaUnavailable
from app.events import ErrorOccurred, Monitor, WarningRaised
from app.kafka.protocols import ClusterView, ConsumerOpener
from app.messages import TopicPartition
from app.producer import Producer
from app.routes.table import RoutingTable
from app.settings import Settings

MOST_RESERVE_S = 5.0
LEAVING_S, LEAST_LEAVING_S = 0.5, 0.1


class Reason(NamedTuple):
    """Why something is not as it should be, or a note; `since` is aware, UTC."""

    code: str
    detail: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class StopReport:
    """How stopping went: `cut_jobs` names the jobs that were still running at the deadline."""

    cut_jobs: tuple[str, ...] = ()


class Runtime:
    """Owns the groups' tasks."""

    def __init__(
        self,
        settings: Settings,
        table: RoutingTable,
        cluster: ClusterView,
        open_consumer: ConsumerOpener,
        producer: Producer,
        monitor: Monitor,
    ) -> None:
        self.critical_error = asyncio.Event()
        self._cluster = cluster
        self._table = table
        self._monitor = monitor
        slots = asyncio.Semaphore(settings.consumer_concurrency)
        threads = ThreadPool(settings.consumer_threads)
        instances = Instances(persistent=settings.consumer_persistence)
        for line in table.subscriptions:
            instances.remember(line.consumer)
        excluded = table.dead_letter_topics()
        surroundings = Surroundings(
            settings, cluster, open_consumer, producer, monitor, slots, threads, instances, Clock(), self, excluded
        )
        self.groups = [GroupRunner(group, surroundings) for group in table.groups if group.active]
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, after: asyncio.Event | None = None) -> None:
        """Starts every group, once `after` is set; does not wait for Kafka."""
        self._tasks = [
            asyncio.create_task(self._run(group, after), name=f"group-{group.group.name}") for group in self.groups
        ]
        for task in self._tasks:
            task.add_done_callback(self._group_ended)
        self._tasks.append(asyncio.create_task(self._check_dead_letters(), name="dead-letter-check"))

    async def _run(self, group: GroupRunner, after: asyncio.Event | None) -> None:
        if after is not None:
            await after.wait()
        await group.run()

    def _group_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            self.critical(task.get_name(), error)

    def critical(self, consumer: str, error: BaseException) -> None:
        """An error after which the service must stop. Announced once for each."""
        self._monitor.emit(ErrorOccurred("consumer.critical", error, consumer=consumer))
        self.critical_error.set()

    async def _check_dead_letters(self) -> None:
        wanted = self._table.dead_letter_topics()
        while wanted and not self._cluster.reachable:
            await asyncio.sleep(0.5)
        try:
            for topic in sorted(wanted):
                if await self._cluster.partition_count(topic, timeout_s=5) is None:
                    detail = f"DLQ topic {topic} does not exist: failing messages will wait until it is created"
                    self._monitor.emit(WarningRaised("dead_letter_topic_missing", detail))
        except KafkaUnavailable:
            return

    def ready_reasons(self) -> Sequence[Reason]:
        """Why the consuming side is not ready; empty when it is, or when it was not started."""
        reasons: list[Reason] = []
        if not self._tasks:
            return reasons
        for group in self.groups:
            waiting = group.state == "waiting_for_topics"
            if group.duplicate:
                detail = f"group {group.group.name}: {group.reason}"
                reasons.append(Reason("duplicate_instance_id", detail, group.since))
            elif not group.joined_once and not waiting:
                detail = f"group {group.group.name} has not joined yet: {group.reason or 'joining'}"
                reasons.append(Reason("group_joining", detail, group.since))
            elif group.state == "failed":
                detail = f"group {group.group.name} cannot work: {group.reason}"
                reasons.append(Reason("group_failed", detail, group.since))
        return reasons

    def live_reasons(self) -> Sequence[Reason]:
        """Why the process should be restarted; empty while there is hope."""
        return [
            Reason("group_beyond_repair", f"group {group.group.name}: {group.reason}", group.since)
            for group in self.groups
            if group.beyond_repair
        ]

    def notes(self) -> Sequence[Reason]:
        """What is legitimate and still worth knowing."""
        return [
            Reason("topic_missing", f"topic {topic} of group {group.group.name} does not exist yet", datetime.now(UTC))
            for group in self.groups
            for topic in group.missing
        ]

    def consumed(self, group: str) -> Mapping[str, int] | None:
        """Partition counts of the topics that a group consumes, as far as Kafka has told; None where the table has no
        such group."""
        counts = self._cluster.topics()
        for runner in self.groups:
            if runner.group.name == group:
                return {topic: counts[topic] for topic in runner.topics}
        return None

    def pause(self, group: str, partition: TopicPartition, by: str) -> bool:
        """An operator pauses a partition: no batch after the running one until `resume`, also over rebalances. False
        where the table has no such group."""
        return self._steer(group, lambda runner: runner.pause(partition, by))

    def resume(self, group: str, partition: TopicPartition) -> bool:
        """Ends an operator's pause. False where the table has no such group."""
        return self._steer(group, lambda runner: runner.resume(partition))

    async def seek(self, group: str, at: TopicPartition, target: SeekTarget, *, preview: bool) -> Sought | None:
        """An operator sends a partition of a group elsewhere, or (`preview`) only looks where that would be. None
        where it is not assigned to this instance. Raises SeekFailed, KafkaUnavailable."""
        for runner in self.groups:
            if runner.group.name == group:
                return await runner.seek(at, target, preview=preview)
        return None

    def _steer(self, group: str, action: Callable[[GroupRunner], None]) -> bool:
        named = [runner for runner in self.groups if runner.group.name == group]
        for runner in named:
            action(runner)
        return bool(named)

    def quiet(self) -> None:
        """Dispatches nothing more; running jobs go on."""
        for group in self.groups:
            group.quiet()

    async def rested(self) -> None:
        """Returns when no job runs any more; to be awaited when it is quiet."""
        await asyncio.gather(*(group.rested() for group in self.groups))

    async def stop(self, deadline: float, reserve_s: float | None = None) -> StopReport:
        """Ordered stop of all groups until `deadline` (of `time.monotonic`).

        Jobs may run until `deadline` less the reserve (5 s, or a fifth of what is left if that is less).
        """
        left = max(0.0, deadline - time.monotonic())
        reserve = min(MOST_RESERVE_S, left / 5) if reserve_s is None else reserve_s
        leaving_s = min(LEAVING_S, max(LEAST_LEAVING_S, reserve / 5))
        self.quiet()
        closing = [asyncio.ensure_future(group.stop(deadline, reserve)) for group in self.groups]
        if closing:
            await asyncio.wait(closing, timeout=left + leaving_s)
        for task in [*closing, *self._tasks]:
            task.cancel()
        if closing or self._tasks:
            await asyncio.wait([*closing, *self._tasks], timeout=leaving_s)
        return StopReport(tuple(name for group in self.groups for name in group.cut_jobs))
