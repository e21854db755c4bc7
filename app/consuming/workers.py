"""The workers of a client's assignment: one for each partition, from its coming to its last hook."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from typing import Any

from app.consuming.context import GroupServices
from app.consuming.partition import PartitionWorker
from app.kafka.protocols import Reading
from app.messages import TopicPartition
from app.routes.table import Subscription

LAST_HOOK_TIMEOUT_S = 5.0
Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
"""Starts a task that its owner keeps and whose errors it tells."""


class Workers:
    """Those of what is assigned now. `outlived`: tasks of assignments that have passed, while their jobs run."""

    def __init__(
        self, services: GroupServices, outlived: dict[TopicPartition, asyncio.Task[None]], spawn: Spawn
    ) -> None:
        self._services = services
        self._outlived = outlived
        self._spawn = spawn
        self._workers: dict[TopicPartition, PartitionWorker] = {}

    def __iter__(self) -> Iterator[PartitionWorker]:
        return iter(self._workers.values())

    def __len__(self) -> int:
        return len(self._workers)

    @property
    def partitions(self) -> frozenset[TopicPartition]:
        return frozenset(self._workers)

    def get(self, partition: TopicPartition) -> PartitionWorker | None:
        """The worker of a partition; None where it is not assigned."""
        return self._workers.get(partition)

    def start(self, partition: TopicPartition, epoch: int, line: Subscription) -> None:
        """A partition came, in assignment `epoch`. What still runs of an earlier one is waited for."""
        worker = self._workers[partition] = PartitionWorker(partition, epoch, line, self._services)
        worker.task = self._spawn(worker.run(self._outlived.pop(partition, None)))

    def wake(self, partitions: Iterable[TopicPartition]) -> None:
        """These have records."""
        for partition in partitions:
            if (worker := self._workers.get(partition)) is not None:
                worker.wake()

    def waiting(self) -> Mapping[TopicPartition, Reading]:
        """Where those read that wait for records, of which none are there."""
        client = self._services.client
        idle = [at for at, worker in self._workers.items() if worker.idle and not client.has_data(at)]
        return {at: reading for at in idle if (reading := client.reading(at)) is not None}

    def end(self, *, revoked: bool) -> list[PartitionWorker]:
        """Nothing more is dispatched; running jobs go on. Returns all of them."""
        workers = list(self)
        for worker in workers:
            worker.end(revoked=revoked)
        return workers

    def forget(self, workers: Iterable[PartitionWorker]) -> list[PartitionWorker]:
        """Those that were still there: a stop in the middle of a rebalance hands over what is left only."""
        present = [worker for worker in workers if self._workers.get(worker.partition) is worker]
        for worker in present:
            self._services.ledger.revoke(worker.partition)
            del self._workers[worker.partition]
            if worker.task is not None and not worker.task.done():
                self._outlive(worker.partition, worker.task)
        return present

    def _outlive(self, partition: TopicPartition, task: asyncio.Task[None]) -> None:
        """Remembers a job that runs on, until it ends."""
        self._outlived[partition] = task

        def ended(task: asyncio.Task[None]) -> None:
            if self._outlived.get(partition) is task:
                del self._outlived[partition]

        task.add_done_callback(ended)


async def finish(workers: Iterable[PartitionWorker], timeout_s: float) -> list[PartitionWorker]:
    """Waits for the workers' tasks; returns those that are still at it."""
    tasks = {worker.task for worker in workers if worker.task and not worker.task.done()}
    if tasks:
        await asyncio.wait(tasks, timeout=max(0.0, timeout_s))
    return [worker for worker in workers if worker.task and not worker.task.done()]


async def run_last_hooks(workers: Iterable[PartitionWorker], hook: str) -> None:
    """`revoked` or `shutdown`, for at most 5 s; where a job still runs, when that has ended."""
    done = []
    for worker in workers:
        if worker.task is None or worker.task.done():
            done.append(worker)
        else:
            worker.owe(hook)
    hooks = [asyncio.ensure_future(worker.run_last_hook(hook)) for worker in done]
    if hooks:
        _, late = await asyncio.wait(hooks, timeout=LAST_HOOK_TIMEOUT_S)
        for task in late:
            task.cancel()
