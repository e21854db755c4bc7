"""A member of a consumer group: aiokafka's consumer with explicit positions and a stop that always ends."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, OffsetAndMetadata
from aiokafka import TopicPartition as ClientPartition
from aiokafka.errors import (
    IllegalGenerationError,
    IllegalStateError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    RebalanceInProgressError,
    UnknownMemberIdError,
    UnknownTopicOrPartitionError,
)

from app.errors import (
    CommitRefused,
    CommitUnknown,
    DuplicateInstance,
    FetchFailed,
    KafkaUnavailable,
    MembershipLost,
    PositionLost,
    TopicsGone,
)
from app.kafka.connection import FencedInstanceId, consumer_options
from app.kafka.pacing import pace_fetches
from app.kafka.protocols import AssignmentListener, Reading
from app.kafka.rebalances import RebalanceListener
from app.kafka.records import take_fetched
from app.kafka.tasks import CANCEL_TIMEOUT_S, Stop, bounded, end, reason, unless
from app.messages import Record, TopicPartition
from app.settings import Settings

T = TypeVar("T")
CLOSE_TIMEOUT_S = 1.0
COMMIT_RETRY_S = 0.1
NO_NODE = (None, -1)
NOT_A_MEMBER = (UnknownMemberIdError, IllegalGenerationError, RebalanceInProgressError)
"""The group has gone on without this member, or is about to: what it commits counts no more."""


class AiokafkaConsumer:
    """Implements `app.kafka.protocols.ConsumerClient`."""

    def __init__(
        self,
        settings: Settings,
        bootstrap_servers: str,
        group: str,
        topics: Sequence[str],
        listener: AssignmentListener,
    ) -> None:
        options = consumer_options(settings, bootstrap_servers, group)
        self._consumer = AIOKafkaConsumer(**options, group_instance_id=settings.instance_id(group))
        self._listener = RebalanceListener(listener, self._remember)
        self._consumer.subscribe(list(topics), listener=self._listener)
        self._read_committed = settings.consumer_isolation_level == "read_committed"
        self._join_timeout_s = (settings.consumer_rebalance_timeout_ms + 2 * settings.kafka_request_timeout_ms) / 1000
        self._session_s = settings.consumer_session_timeout_ms / 1000
        self._failure: BaseException | None = None
        self._refusal: MembershipLost | None = None
        self._unreadable: dict[TopicPartition, int] = {}
        self._stop = Stop(self._end)

    def _remember(self, error: BaseException) -> None:
        self._failure = error

    async def start(self) -> None:
        try:
            await bounded(self._consumer.start(), self._join_timeout_s)
        except (KafkaError, OSError, TimeoutError) as error:
            await self.stop(0)
            if _names_a_duplicate(error):
                raise DuplicateInstance from error
            raise KafkaUnavailable(f"The group could not be joined: {reason(error)}") from error
        pace_fetches(self._consumer._fetcher)

    def resubscribe(self, topics: Sequence[str]) -> bool:
        if self._stop.begun or not self._listener.polled or self.rejoining():
            return False
        if self._consumer._coordinator.coordinator_id is None or self.trouble():
            return False
        self._listener.polled = False
        self._consumer.subscribe(list(topics), listener=self._listener)
        return True

    def take(self, partition: TopicPartition, max_records: int) -> Sequence[Record]:
        if self._stop.begun or self._consumer._subscription.reassignment_in_progress or self._session_over():
            return ()
        if self._refused():
            return ()
        bad = self._unreadable and self._unreadable.get(partition)
        most = 1 if bad and (self.position(partition) or 0) < bad else max_records
        try:
            return take_fetched(self._consumer._fetcher, partition, most)
        except OffsetOutOfRangeError as error:
            raise PositionLost(_positions(error.args[0])) from error
        except NoOffsetForPartitionError as error:
            raise PositionLost({partition: None}) from error
        except Exception as error:  # decoders raise anything
            raise self._unread(partition, error) from error

    def _unread(self, partition: TopicPartition, error: Exception) -> FetchFailed:
        """The good records before the bad one were lost in the attempt: up to it they are taken one by one."""
        fetched = self._consumer._fetcher._records.get(partition)
        unpacked = getattr(fetched, "_partition_records", None)
        offset = self.position(partition) if unpacked is None else unpacked.next_fetch_offset
        self._unreadable[partition] = offset or 0
        return FetchFailed(f"{partition} cannot be read at offset {offset}: {error!r}")

    def _refused(self) -> bool:
        """Whether the coordinator will have this member no longer. It says so once: what it said is kept."""
        coordinator = self._consumer._coordinator
        if self._refusal is None and not coordinator._coordination_task.done():
            try:
                coordinator.check_errors()
            except KafkaError as error:
                self._refuse(error)
        return self._refusal is not None

    def _refuse(self, error: BaseException) -> MembershipLost:
        text = f"The coordinator refused this member: {error!r}"
        refusal = DuplicateInstance() if _names_a_duplicate(error) else MembershipLost(text)
        refusal.__cause__ = error
        self._refusal = refusal
        return refusal

    def has_data(self, partition: TopicPartition) -> bool:
        return partition in self._consumer._fetcher._records and not self._session_over()

    def with_data(self) -> Sequence[TopicPartition]:
        return [] if self._session_over() else [TopicPartition(*at) for at in self._consumer._fetcher._records]

    def _session_over(self) -> bool:
        """Whether the coordinator was not heard for a session, as after a process hung: it may have given the
        partitions away, so nothing is taken before it has answered."""
        heard_at: float = self._consumer._coordinator.heard_at
        return time.monotonic() - heard_at > self._session_s

    async def wait_for_data(self, timeout_s: float) -> None:
        if self._refused() and self._refusal:
            raise self._refusal
        waiter = self._consumer._fetcher._create_fetch_waiter()
        try:
            with self._consumer._subscription.fetch_context():  # the client minds how long nobody polls
                await asyncio.wait({waiter}, timeout=timeout_s)
            if waiter.done() and not waiter.cancelled() and (error := waiter.exception()):
                raise self._refuse(error)
        finally:
            waiter.cancel()
        self._listener.polled = self._listener.assigned

    def assignment(self) -> frozenset[TopicPartition]:
        return frozenset(TopicPartition(*partition) for partition in self._consumer.assignment())

    def seek(self, partition: TopicPartition, offset: int) -> None:
        if self._state(partition) is not None:
            self._consumer.seek(ClientPartition(*partition), offset)

    def position(self, partition: TopicPartition) -> int | None:
        state = self._state(partition)
        return state.position if state is not None and state.has_valid_position else None

    def highwater(self, partition: TopicPartition) -> int | None:
        state = self._state(partition)
        return None if state is None else state.highwater

    def reading(self, partition: TopicPartition) -> Reading | None:
        state = self._state(partition)
        if state is None or self._consumer._client.cluster.leader_for_partition(ClientPartition(*partition)) in NO_NODE:
            return None
        end = state.lso if self._read_committed else state.highwater
        return Reading(state.timestamp, self.position(partition), end)

    def _state(self, partition: TopicPartition) -> Any:
        subscription = self._consumer._subscription.subscription
        assignment = None if subscription is None else subscription.assignment
        return None if assignment is None else assignment.state_value(partition)

    async def commit(self, offsets: Mapping[TopicPartition, int], *, timeout_s: float) -> None:
        wanted = {ClientPartition(*at): OffsetAndMetadata(offset, "") for at, offset in offsets.items()}
        try:
            await bounded(self._commit(wanted), timeout_s)
        except (*NOT_A_MEMBER, IllegalStateError) as error:
            raise CommitRefused(f"The commit was refused: {reason(error)}") from error
        except TimeoutError as error:
            raise CommitUnknown(f"No answer to the commit within {timeout_s:g} s") from error
        except KafkaError as error:
            raise CommitUnknown(f"The commit failed: {error!r}") from error

    async def _commit(self, offsets: Mapping[Any, Any]) -> None:
        """Past aiokafka's check that each partition is assigned: the start of a group is committed for all.

        Past its `commit_offsets` too: that one shields the request, which then outlives a commit that was given up.
        """
        subscription = self._consumer._subscription.subscription
        if subscription is None or subscription.assignment is None:
            raise IllegalStateError("No partitions assigned")
        coordinator = self._consumer._coordinator
        while True:
            await coordinator.ensure_coordinator_known()
            try:
                async with coordinator._commit_lock:
                    await coordinator._do_commit_offsets(subscription.assignment, offsets)
                return
            except KafkaError as error:
                if not error.retriable or isinstance(error, NOT_A_MEMBER):
                    raise
                if isinstance(error, UnknownTopicOrPartitionError):
                    raise TopicsGone from error
            await asyncio.sleep(COMMIT_RETRY_S)

    async def committed(
        self, partitions: Sequence[TopicPartition], *, timeout_s: float
    ) -> Mapping[TopicPartition, int | None]:
        asked = [ClientPartition(*partition) for partition in partitions]
        fetch = self._consumer._coordinator.fetch_committed_offsets(asked)
        found = await self._lookup(fetch, timeout_s)
        return {at: _offset(found.get(ClientPartition(*at))) for at in partitions}

    async def beginning_offsets(
        self, partitions: Sequence[TopicPartition], *, timeout_s: float
    ) -> Mapping[TopicPartition, int]:
        return await self._list_offsets(self._consumer.beginning_offsets, partitions, timeout_s)

    async def end_offsets(
        self, partitions: Sequence[TopicPartition], *, timeout_s: float
    ) -> Mapping[TopicPartition, int]:
        return await self._list_offsets(self._consumer.end_offsets, partitions, timeout_s)

    async def refresh_ends(self, older_than_s: float, *, timeout_s: float) -> None:
        oldest_ms = (time.time() - older_than_s) * 1000
        known = {at: state for at in self.assignment() if (state := self._state(at)) and state.timestamp}
        waiting = [at for at, state in known.items() if state.timestamp < oldest_ms and self.has_data(at)]
        for at, offset in (await self.end_offsets(waiting, timeout_s=timeout_s)).items():
            known[at].highwater = max(offset, known[at].highwater)

    async def _list_offsets(
        self, ask: Any, partitions: Sequence[TopicPartition], timeout_s: float
    ) -> Mapping[TopicPartition, int]:
        if not partitions:
            return {}
        found = await self._lookup(ask([ClientPartition(*partition) for partition in partitions]), timeout_s)
        return {TopicPartition(*at): offset for at, offset in found.items()}

    async def offset_at(self, partition: TopicPartition, timestamp_ms: int, *, timeout_s: float) -> int | None:
        at = ClientPartition(*partition)
        found = await self._lookup(self._consumer.offsets_for_times({at: timestamp_ms}), timeout_s)
        return None if found.get(at) is None else int(found[at].offset)

    async def _lookup(self, coroutine: Coroutine[Any, Any, T], timeout_s: float) -> T:
        try:
            return await bounded(coroutine, timeout_s)
        except (KafkaError, OSError, TimeoutError) as error:
            raise KafkaUnavailable(f"Offsets could not be looked up: {reason(error)}") from error

    def trouble(self) -> str | None:
        consumer = self._consumer
        if self._failure is not None:
            return f"assignment failed: {self._failure!r}"
        if consumer._fetcher is not None and consumer._fetcher._fetch_task.done():
            return "fetch task is dead"
        if consumer._coordinator is not None and consumer._coordinator._coordination_task.done():
            return "coordination task is dead"
        if self._heart_stopped():
            return "heartbeat task is dead"
        if consumer._client._sync_task is not None and consumer._client._sync_task.done():
            return "metadata task is dead"
        return None

    def _heart_stopped(self) -> bool:
        """A forgotten member's heart stops too, but it joins again then."""
        coordinator = self._consumer._coordinator
        heart = None if coordinator is None else coordinator._heartbeat_task
        return heart is not None and heart.done() and not self.rejoining()

    def rejoining(self) -> bool:
        coordinator = self._consumer._coordinator
        if coordinator is None or coordinator._rejoin_needed_fut.done():
            return True
        return bool(self._consumer._subscription.reassignment_in_progress)

    def member_id(self) -> str:
        coordinator = self._consumer._coordinator
        return "" if coordinator is None else str(coordinator.member_id)

    async def stop(self, grace_s: float) -> None:
        await self._stop.within(grace_s)

    async def _end(self, hurry: asyncio.Event) -> None:
        """aiokafka's own stop() while there is time, then its tasks by hand: it may hang or raise half-way."""
        consumer = self._consumer
        await unless(hurry, consumer.stop())
        await end(_client_tasks(consumer), CANCEL_TIMEOUT_S)
        with contextlib.suppress(TimeoutError, KafkaError, OSError):
            await bounded(consumer._client.close(), CLOSE_TIMEOUT_S)


def _names_a_duplicate(error: BaseException) -> bool:
    """aiokafka gives what it does not know of as a KafkaError with the original's text."""
    return FencedInstanceId.__name__ in str(error) or isinstance(error, FencedInstanceId)


def _client_tasks(consumer: Any) -> list[asyncio.Task[Any]]:
    tasks: list[asyncio.Task[Any] | None] = []
    if coordinator := consumer._coordinator:
        if not coordinator._closing.done():
            coordinator._closing.set_result(None)
        tasks += [
            coordinator._coordination_task,
            getattr(coordinator, "_heartbeat_task", None),
            getattr(coordinator, "_commit_refresh_task", None),
        ]
    if fetcher := consumer._fetcher:
        fetcher._closed = True
        tasks += [fetcher._fetch_task, *fetcher._pending_tasks]
        for waiter in list(fetcher._fetch_waiters):
            fetcher._notify(waiter)
    tasks.append(consumer._client._sync_task)
    return [task for task in tasks if task is not None]


def _positions(refused: Mapping[Any, int]) -> dict[tuple[str, int], int | None]:
    return {TopicPartition(*at): offset for at, offset in refused.items()}


def _offset(found: Any) -> int | None:
    return None if found is None or found.offset < 0 else int(found.offset)
