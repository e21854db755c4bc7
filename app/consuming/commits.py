"""One commit for everything that is marked in a group's partitions."""

from __future__ import annotations

import asyncio
import time

from app.consuming.offsets import OffsetLedger
from app.errors import CommitRefused, CommitUnknown, TopicsGone
from app.events import CommitFailed, Monitor, OffsetsCommitted
from app.kafka.protocols import ClusterView, ConsumerClient


class Commits:
    """The commits of one client, one at a time."""

    def __init__(
        self, group: str, client: ConsumerClient, ledger: OffsetLedger, cluster: ClusterView, monitor: Monitor
    ) -> None:
        self._group = group
        self._client = client
        self._ledger = ledger
        self._cluster = cluster
        self._monitor = monitor
        self.lock = asyncio.Lock()
        """Held while offsets are committed, by whatever way."""

    async def commit(self, timeout_s: float) -> bool:
        """Commits what is marked; False where the group has moved on. Failures are announced: it will be delivered
        again, or, where only no answer came, committed with the next. Offsets of topics that have been deleted are
        left out: Kafka never takes them. Takes at most `timeout_s`, the wait for an earlier commit included."""
        deadline = time.monotonic() + timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                await self.lock.acquire()
        except TimeoutError:
            self._monitor.emit(CommitFailed(self._group, f"The one before it had no answer within {timeout_s:g} s"))
            return True
        try:
            return await self._commit(deadline)
        finally:
            self.lock.release()

    async def _commit(self, deadline: float) -> bool:
        topics = self._cluster.topics()
        offsets = {at: offset for at, offset in self._ledger.to_commit().items() if at.topic in topics}
        if not offsets:
            return True
        started = time.monotonic()
        try:
            await self._client.commit(offsets, timeout_s=max(0.0, deadline - started))
        except (CommitRefused, CommitUnknown) as error:
            self._monitor.emit(CommitFailed(self._group, str(error)))
            if isinstance(error, TopicsGone):  # sent again, an old offset could meet the topic made anew
                self._ledger.settle(offsets)
            return not isinstance(error, CommitRefused)
        self._ledger.settle(offsets)
        took_ms = (time.monotonic() - started) * 1000
        self._monitor.emit(OffsetsCommitted(self._group, offsets, took_ms))
        return True
