"""One life of a group's client: joins, hands partitions to workers, commits, drains, leaves."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from app.consumer import SeekTarget
from app.consuming.commits import Commits
from app.consuming.context import GroupServices
from app.consuming.memory import Memory
from app.consuming.offsets import OffsetLedger
from app.consuming.positions import Positions
from app.consuming.seeking import Sought, seek
from app.consuming.surroundings import Surroundings
from app.consuming.transactional import TransactionalDeadLetters
from app.consuming.workers import Workers, finish, run_last_hooks
from app.errors import DuplicateInstance, KafkaUnavailable
from app.events import (
    ErrorOccurred,
    GroupState,
    GroupSubscribed,
    PartitionsAssigned,
    PartitionsRevoked,
    PollReturned,
    TopicCreatedAnew,
)
from app.messages import TopicPartition
from app.routes.table import Group, Subscription

Changed = Callable[[Mapping[str, Subscription]], Mapping[str, Subscription] | None]
"""Given the lines by topic that are in use: those to use from now on, where they have changed."""
MOST_COMMIT_S = 10.0
"""A commit may take so long, and no longer than one request: then it counts as not answered."""
LOOKUP_TIMEOUT_S = 2.0
"""Of lookups that the group's wake-ups wait for; what fails is looked up again."""
PULSE_S = 0.5
END_AGE_S = 5.0
"""How old the known end of a partition may become."""
REBALANCES_MOST = 2
"""So many rebalance timeouts may pass until a rejoining member counts as stuck."""


class Membership:
    """Implements `AssignmentListener` for its client."""

    def __init__(
        self,
        group: Group,
        lines: Mapping[str, Subscription],
        surroundings: Surroundings,
        listener_id: str,
        memory: Memory,
        on_state: Callable[[GroupState], None],
    ) -> None:
        self._group = group
        self._lines = lines
        self._surroundings = surroundings
        self._monitor = surroundings.monitor
        self._listener_id = listener_id
        self._memory = memory
        self._on_state = on_state
        self._duplicate = self._quiet = False
        self._epoch = 0
        self._joining_since = self._reported_at = time.monotonic()
        self.cut_jobs: list[str] = []
        """Names of the jobs that were cut when it was closed; known before the closing is over."""
        self._tasks: list[asyncio.Task[Any]] = []
        self._trouble: str | None = None
        self._client = surroundings.open_consumer(group.name, sorted(lines), self)
        self._request_s = surroundings.settings.kafka_request_timeout_ms / 1000
        ledger, self._commit_s = OffsetLedger(), min(MOST_COMMIT_S, self._request_s)
        self._commits = Commits(group.name, self._client, ledger, surroundings.cluster, self._monitor)
        self._transactional = TransactionalDeadLetters(
            group.name, surroundings.producer, self._client, ledger, self._commits.lock, self._be_troubled
        )
        self._services = self._make_services(ledger)
        self._workers = Workers(self._services, memory.outlived, self._own)

    def _make_services(self, ledger: OffsetLedger) -> GroupServices:
        group, shared, memory = self._group.name, self._surroundings, self._memory
        return GroupServices(
            group=group,
            listener_id=self._listener_id,
            client=self._client,
            ledger=ledger,
            positions=Positions(group, shared.cluster, memory.topics, self._monitor, self._request_s),
            producer=shared.producer,
            monitor=self._monitor,
            slots=shared.slots,
            threads=shared.threads,
            instances=shared.instances,
            clock=shared.clock,
            crisis=shared.crisis,
            commit=self._commit_now,
            attempts=memory.attempts,
            transactional=self._transactional,
            paused=memory.paused,
        )

    async def live(self, stopping: asyncio.Event, changed: Changed) -> str | None:
        """Joins and works until `stopping`, or until other topics want another client (None), or the client is of no
        use any more (the reason). Raises KafkaUnavailable where the group cannot be joined, MembershipLost where
        the group will have this member no longer."""
        self._monitor.emit(GroupSubscribed(self._group.name, self._listener_id, tuple(sorted(self._lines))))
        ended = asyncio.ensure_future(stopping.wait())
        try:
            joining = self._keep(self._client.start())
            await asyncio.wait({joining, ended}, return_when=asyncio.FIRST_COMPLETED)
            if stopping.is_set():
                return None
            joining.result()
            self._own(self._keep_committing())
            self._own(self._keep_ends_known())
            pumping = self._keep(self._pump(changed))
            await asyncio.wait({pumping, ended}, return_when=asyncio.FIRST_COMPLETED)
            return None if stopping.is_set() else pumping.result()
        finally:
            ended.cancel()

    def _keep(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """A task that is ended with the membership."""
        task = asyncio.create_task(coroutine)
        self._tasks.append(task)
        return task

    def _own(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A task without which the client is of no use: where it breaks, another takes its place."""
        task = self._keep(coroutine)
        task.add_done_callback(self._broken)
        return task

    async def _pump(self, changed: Changed) -> str | None:
        """Wakes idle workers when records arrive, and twice a second looks after everything else."""
        next_pulse, pulses = 0.0, 0
        while True:
            await self._client.wait_for_data(PULSE_S)
            if self._duplicate:
                raise DuplicateInstance
            self._workers.wake(self._client.with_data())
            now = time.monotonic()
            if now < next_pulse:
                continue
            next_pulse, pulses = now + PULSE_S, pulses + 1
            if reason := self._client.trouble() or self._trouble or self._stuck(now):
                return reason
            if pulses % 2 == 0:
                self._report(now)
            try:
                await self._look_for_topics_made_anew()
            except KafkaUnavailable:
                continue  # looked for again
            lines = changed(self._lines)
            if lines is not None and not await self._resubscribe(lines):
                return None

    def _stuck(self, now: float) -> str | None:
        """Whether the client looks alive and does nothing, although the brokers answer."""
        reachable, rejoining = self._surroundings.cluster.reachable, self._client.rejoining()
        self._joining_since = self._joining_since if reachable and rejoining else now
        limit_s = REBALANCES_MOST * self._surroundings.settings.consumer_rebalance_timeout_ms / 1000
        if now - self._joining_since > limit_s:
            return f"the member has been rejoining for more than {limit_s:g} s"
        waiting = self._workers.waiting() if reachable and not rejoining else {}
        return self._memory.watchdog.look(now, waiting)

    async def _resubscribe(self, lines: Mapping[str, Subscription]) -> bool:
        """Takes other topics with the same client, once everything is drained and committed. False where a new one is
        needed for it. In a rebalance nothing is done yet: it is asked for again."""
        if not lines or self._surroundings.cluster.reachable is False:
            return False
        if self._client.rejoining():
            return True
        epoch = self._epoch
        await self._release()
        if self._epoch != epoch or self._client.rejoining():
            return True
        self._lines = lines
        self._monitor.emit(GroupSubscribed(self._group.name, self._listener_id, tuple(sorted(lines))))
        return self._client.resubscribe(sorted(lines))

    def _report(self, now: float) -> None:
        took_ms, self._reported_at = (now - self._reported_at) * 1000, now
        self._monitor.emit(PollReturned(self._group.name, self._listener_id, took_ms))
        for worker in self._workers:
            worker.report()

    # --- assignment -------------------------------------------------------------------------------------

    async def on_assigned(self, partitions: frozenset[TopicPartition]) -> None:
        self._epoch += 1
        static = self._memory.static
        if static and static.joined(self._client, self._client.member_id(), time.monotonic()):
            self._duplicate = True
            return
        await self._transactional.take(partitions, self._lines)
        initials = {topic: line.initial_offset for topic, line in self._lines.items()}
        committed = await self._services.positions.start(self._client, partitions, initials)
        for partition in sorted(partitions):
            self._services.ledger.assign(partition, self._epoch, committed[partition])
            if not self._quiet:
                self._workers.start(partition, self._epoch, self._lines[partition.topic])
        self._tasks = [task for task in self._tasks if not task.done()]
        await self._look_for_topics_made_anew()
        self._on_state("stable")
        self._monitor.emit(PartitionsAssigned(self._group.name, self._listener_id, partitions))

    async def _look_for_topics_made_anew(self) -> None:
        """What was marked of a topic says nothing of another one of its name; Kafka forgets what was committed of it,
        but may have been told since."""
        topics, cluster = self._memory.topics, self._surroundings.cluster
        if not (anew := topics.made_anew(cluster, self._lines)):
            return
        workers = [worker for worker in self._workers if worker.partition.topic in anew]
        partitions = [worker.partition for worker in workers]
        beginnings = await self._client.beginning_offsets(partitions, timeout_s=LOOKUP_TIMEOUT_S)
        for worker in workers:
            worker.read_from(beginnings[worker.partition])
        topics.met(cluster, anew)
        for topic in sorted({partition.topic for partition in partitions}):
            self._monitor.emit(TopicCreatedAnew(self._group.name, self._listener_id, topic))

    def _broken(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            self._trouble = f"one of the group's own tasks broke: {error!r}"
            self._monitor.emit(ErrorOccurred("consumer.worker", error, group=self._group.name))

    def _be_troubled(self, reason: str) -> None:
        self._trouble = reason

    async def on_revoked(self, partitions: frozenset[TopicPartition]) -> None:
        await self._release()

    async def _release(self) -> None:
        """Hands every partition over: drains, commits, tells the consumers."""
        if not self._workers:
            return
        self._on_state("rebalancing")
        self._monitor.emit(PartitionsRevoked(self._group.name, self._listener_id, self._workers.partitions))
        workers = self._workers.end(revoked=True)
        await finish(workers, self._surroundings.settings.consumer_drain_ms / 1000)
        await self._transactional.drop()
        await self._commit_now()
        await run_last_hooks(self._workers.forget(workers), "revoked")

    def operator_changed(self, partition: TopicPartition) -> None:
        """An operator has paused a partition, or lets it go on."""
        if worker := self._workers.get(partition):
            worker.operator_changed()

    async def seek(self, at: TopicPartition, target: SeekTarget, *, preview: bool) -> Sought | None:
        """An operator sends a partition elsewhere; None where it is not assigned. Raises as `seeking.seek`."""
        worker = self._workers.get(at)
        return None if worker is None else await seek(self._services, worker, target, preview=preview)

    def quiet(self) -> None:
        """Dispatches nothing more; running jobs go on."""
        self._quiet = True
        self._workers.end(revoked=False)

    async def rested(self) -> None:
        """Returns when no job runs any more; to be awaited when it is quiet."""
        if tasks := [worker.task for worker in self._workers if worker.task is not None]:
            await asyncio.wait(tasks)

    # --- committing -------------------------------------------------------------------------------------

    async def _keep_committing(self) -> None:
        while True:
            await asyncio.sleep(self._surroundings.settings.consumer_commit_interval_ms / 1000)
            await self._commit_now()

    async def _keep_ends_known(self) -> None:
        """A slow consumer's partition is not fetched while its buffer lasts: its lag would stand still meanwhile."""
        while True:
            await asyncio.sleep(END_AGE_S)
            with contextlib.suppress(KafkaUnavailable):  # the cluster's own probe tells of it
                await self._client.refresh_ends(END_AGE_S, timeout_s=self._request_s)

    async def _commit_now(self) -> bool:
        return await self.commit(self._commit_s)

    async def commit(self, timeout_s: float) -> bool:
        """Commits what is marked; False where the group has moved on."""
        return await self._commits.commit(timeout_s)

    # --- leaving ----------------------------------------------------------------------------------------

    async def close(self, deadline: float, reserve_s: float, hook: str) -> list[str]:
        """Finishes jobs until `deadline` less `reserve_s`, cuts the others, commits, runs `hook`, leaves.

        Returns the names of what was cut. Takes at most until `deadline` and 2 s more.
        """
        self._quiet = True
        workers = self._workers.end(revoked=hook == "revoked")
        late = await finish(workers, deadline - reserve_s - time.monotonic())
        self.cut_jobs = [worker.name for worker in late]
        for worker in late:
            worker.cancel()
        await finish(late, min(1.0, reserve_s / 3))
        await self._transactional.drop()
        await self.commit(max(0.2, min(self._commit_s, reserve_s / 2)))
        await run_last_hooks(self._workers.forget(workers), hook)
        for task in self._tasks:
            task.cancel()
        await self._client.stop(max(0.2, min(reserve_s / 2, deadline - time.monotonic())))
        pending = [task for task in self._tasks if not task.done()]
        if pending:
            await asyncio.wait(pending, timeout=0.5)
        return self.cut_jobs
