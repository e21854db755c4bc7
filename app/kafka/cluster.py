"""What is known of the brokers and their topics, asked for every 3 s by one task of its own."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import (
    IncompatibleBrokerVersion,
    KafkaConnectionError,
    KafkaError,
    NodeNotReadyError,
    RequestTimedOutError,
    for_code,
)
from aiokafka.protocol.admin import CreateTopicsRequest, DescribeConfigsRequest, DescribeGroupsRequest

from app.errors import KafkaUnavailable
from app.events import BrokerReachable, BrokerUnreachable, Monitor
from app.kafka.all_topics import AllTopicsRequest, all_topics
from app.kafka.connection import connection_options
from app.kafka.tasks import bounded, end, reason
from app.kafka.topic_details import TopicDetails, fetch_details, fetch_offsets
from app.messages import TopicPartition
from app.settings import KAFKA_DEFAULT_MAX_RECORD_BYTES, Settings

A = TypeVar("A")
R = TypeVar("R")
PROBE_INTERVAL_S = 3.0
PROBES_IN_AGE = 4
"""A new topic must be seen twice within CONSUMER_METADATA_MAX_AGE_MS, and then joined."""
PROBE_TIMEOUT_S = 2.0
ASK_AGAIN_AFTER_S = 1.0
LIMIT_MAX_AGE_S = 60.0
BROKER_DEFAULT = -1
"""Kafka's word for "as the brokers are configured" in partitions and replication (KIP-464)."""
_TOPIC_RESOURCE = 2
_TOPIC_ALREADY_EXISTS = 36


@dataclass(frozen=True, slots=True)
class ClusterState:
    """One answer of the brokers. `topics` maps names to partition counts."""

    brokers: tuple[int, ...]
    topics: Mapping[str, int]
    controller: int | None
    topic_ids: Mapping[str, bytes] = field(default_factory=dict)


class Cluster:
    """Implements `app.kafka.protocols.ClusterView` with a client and a probe task of its own."""

    def __init__(self, settings: Settings, bootstrap_servers: str, monitor: Monitor) -> None:
        self._settings = settings
        self.bootstrap_servers = bootstrap_servers
        self._monitor = monitor
        self.probe_interval_s = min(PROBE_INTERVAL_S, settings.consumer_metadata_max_age_ms / PROBES_IN_AGE / 1000)
        self._client: AIOKafkaClient | None = None
        self._state: ClusterState | None = None
        self._reachable: bool | None = None
        self._since = time.monotonic()
        self._asked_at = 0.0
        self._asking: asyncio.Task[ClusterState] | None = None
        self._probe: asyncio.Task[None] | None = None
        self._limits: dict[str, tuple[float, int]] = {}
        self._answered: int | None = None
        self._last_error = "no broker has been asked yet"

    @property
    def reachable(self) -> bool | None:
        return self._reachable

    @property
    def unreachable_for_s(self) -> float:
        return time.monotonic() - self._since if self._reachable is False else 0.0

    @property
    def last_error(self) -> str:
        return self._last_error

    @property
    def brokers(self) -> int | None:
        return None if self._state is None else len(self._state.brokers)

    def topics(self) -> Mapping[str, int]:
        return {} if self._state is None else self._state.topics

    def topic_id(self, topic: str) -> bytes | None:
        return None if self._state is None else self._state.topic_ids.get(topic)

    async def start(self) -> None:
        """Starts probing; does not wait for an answer."""
        if self._probe is None:
            self._probe = asyncio.create_task(self._keep_probing(), name="cluster-probe")

    async def stop(self) -> None:
        """Ends the probe and closes the connections, within 2 s."""
        await end([task for task in (self._probe, self._asking) if task], 1.0)
        await self._close_client()

    async def _keep_probing(self) -> None:
        while True:
            started = time.monotonic()
            with contextlib.suppress(KafkaUnavailable):  # announced by refresh
                await self.refresh(timeout_s=PROBE_TIMEOUT_S)
            await asyncio.sleep(max(0.1, self.probe_interval_s - (time.monotonic() - started)))

    async def refresh(self, *, timeout_s: float) -> Mapping[str, int]:
        if self._asking is None or self._asking.done():
            self._asked_at = time.monotonic()
            self._asking = asyncio.create_task(self._ask(), name="cluster-metadata")
            self._asking.add_done_callback(_read)
        asking = self._asking
        await asyncio.wait({asking}, timeout=timeout_s)
        if not asking.done():
            raise KafkaUnavailable(f"No broker of {self.bootstrap_servers} answered within {timeout_s:g} s")
        if asking.cancelled():
            raise KafkaUnavailable("The service is stopping")
        return asking.result().topics

    async def _ask(self) -> ClusterState:
        try:
            state = await bounded(self._metadata(), PROBE_TIMEOUT_S)
        except (KafkaError, OSError, TimeoutError, ValueError) as error:
            self._last_error = reason(error)
            detail = f"no answer from {self.bootstrap_servers}: {self._last_error}"
            await self._close_client()
            self._became_unreachable(detail)
            raise KafkaUnavailable(detail) from error
        self._became_reachable(state)
        return state

    async def _metadata(self) -> ClusterState:
        if self._client is None:
            client = AIOKafkaClient(**connection_options(self._settings, self.bootstrap_servers))
            self._client = client
            await client.bootstrap()
        try:
            found = all_topics(await self._answer_of_any(self._client, AllTopicsRequest()))
        except IncompatibleBrokerVersion:
            return await self._metadata_without_ids(self._client)
        return ClusterState(found.brokers, found.partitions, found.controller, found.ids)

    async def _answer_of_any(self, client: AIOKafkaClient, request: Any) -> Any:
        """Of the broker that has answered last, else of any other: one that is down or hangs says nothing about the
        cluster. Raises what the last one raised."""
        nodes = sorted((broker.nodeId for broker in client.cluster.brokers()), key=lambda node: node != self._answered)
        for node in nodes[:-1]:
            with contextlib.suppress(NodeNotReadyError, KafkaConnectionError, RequestTimedOutError, TimeoutError):
                return self._answer(node, await bounded(client.send(node, request), PROBE_TIMEOUT_S / len(nodes)))
        if not nodes:
            raise NodeNotReadyError("no broker is known")
        return self._answer(nodes[-1], await client.send(nodes[-1], request))

    def _answer(self, node: int, answer: Any) -> Any:
        self._answered = node
        return answer

    async def _metadata_without_ids(self, client: AIOKafkaClient) -> ClusterState:
        """Of brokers that are too old to give topics ids, and of the in-memory one."""
        metadata = await client.fetch_all_metadata()
        topics = {name: len(metadata.partitions_for_topic(name) or ()) for name in metadata.topics(False)}
        controller = getattr(metadata.controller, "nodeId", None)
        brokers = tuple(sorted(broker.nodeId for broker in metadata.brokers()))
        return ClusterState(brokers, {name: count for name, count in topics.items() if count}, controller)

    async def _close_client(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(KafkaError, OSError, TimeoutError):  # then it will not close
                await bounded(client.close(), 1.0)

    def _became_reachable(self, state: ClusterState) -> None:
        self._state = state
        if self._reachable is not True:
            self._reachable, self._since = True, time.monotonic()
            self._monitor.emit(BrokerReachable(len(state.brokers)))

    def _became_unreachable(self, reason: str) -> None:
        if self._reachable is not False:
            self._reachable, self._since = False, time.monotonic()
            self._monitor.emit(BrokerUnreachable(reason))

    async def partition_count(self, topic: str, *, timeout_s: float) -> int | None:
        if count := self.topics().get(topic):
            return count
        known_for_s = time.monotonic() - self._asked_at
        if self._reachable and self._asking and self._asking.done() and known_for_s < ASK_AGAIN_AFTER_S:
            return None
        return (await self.refresh(timeout_s=timeout_s)).get(topic)

    async def max_message_bytes(self, topic: str, *, timeout_s: float, fresh: bool = False) -> int:
        age_limit_s = ASK_AGAIN_AFTER_S if fresh else LIMIT_MAX_AGE_S
        cached = self._limits.get(topic)
        if cached and time.monotonic() - cached[0] < age_limit_s:
            return cached[1]
        try:
            limit = await bounded(self._describe_limit(topic), timeout_s)
        except (KafkaError, OSError, TimeoutError, KafkaUnavailable):
            return cached[1] if cached else KAFKA_DEFAULT_MAX_RECORD_BYTES
        self._limits[topic] = (time.monotonic(), limit)
        return limit

    def learn_max_message_bytes(self, topic: str, limit: int) -> None:
        """Remembers a limit that a broker's refusal has shown."""
        self._limits[topic] = (time.monotonic(), limit)

    async def _describe_limit(self, topic: str) -> int:
        request = DescribeConfigsRequest([(_TOPIC_RESOURCE, topic, ["max.message.bytes"])])
        response = await self._send(request)
        for code, _message, _kind, _name, entries in response.resources:
            if code == 0 and entries:
                return int(entries[0][1])
        return KAFKA_DEFAULT_MAX_RECORD_BYTES

    async def create_topic(
        self, topic: str, partitions: int, config: Mapping[str, str] | None = None, *, timeout_s: float
    ) -> bool:
        wanted: tuple[Any, ...] = (topic, partitions, BROKER_DEFAULT, [], list((config or {}).items()))
        request = CreateTopicsRequest([wanted], int(timeout_s * 1000), False)
        try:
            response = await bounded(self._send(request), timeout_s)
        except (KafkaError, OSError, TimeoutError) as error:
            raise KafkaUnavailable(f"Topic {topic} could not be created: {error!r}") from error
        code, message = response.topic_errors[0][1], response.topic_errors[0][2]
        if code == _TOPIC_ALREADY_EXISTS:
            return False
        if code:
            raise KafkaUnavailable(f"Topic {topic} could not be created: {for_code(code).__name__}: {message}")
        await self._appears(topic, timeout_s)
        return True

    async def _appears(self, topic: str, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while topic not in await self.refresh(timeout_s=PROBE_TIMEOUT_S):
            if time.monotonic() > deadline:
                raise KafkaUnavailable(f"Topic {topic} was created but is not in the metadata yet")
            await asyncio.sleep(0.05)

    async def member_ids(self, group: str, *, timeout_s: float) -> frozenset[str]:
        try:
            return await bounded(self._describe_members(group), timeout_s)
        except (KafkaError, OSError, TimeoutError) as error:
            raise KafkaUnavailable(f"Group {group} could not be described: {reason(error)}") from error

    async def _describe_members(self, group: str) -> frozenset[str]:
        client = await self._connected()
        coordinator = await client.coordinator_lookup(CoordinationType.GROUP, group)
        response = await client.send(coordinator, DescribeGroupsRequest([group]))
        ((code, _group, _state, _protocol_type, _protocol, members, *_),) = response.groups
        if code:
            raise for_code(code)()
        return frozenset(member[0] for member in members)

    async def details(self, topic: str, *, timeout_s: float) -> TopicDetails | None:
        return await self.read(fetch_details, topic, timeout_s)

    async def offsets(self, at: TopicPartition, *, timeout_s: float) -> tuple[int, int] | None:
        return await self.read(fetch_offsets, at, timeout_s)

    async def read(self, fetch: Callable[[AIOKafkaClient, A], Awaitable[R]], what: A, timeout_s: float) -> R:
        """What `fetch` gives, over this view's own client. Raises KafkaUnavailable, its cause what `fetch` raised."""
        try:
            return await bounded(self._fetch(fetch, what), timeout_s)
        except (KafkaError, OSError, TimeoutError) as error:
            raise KafkaUnavailable(f"No answer about {what}: {reason(error)}") from error

    async def _fetch(self, fetch: Callable[[AIOKafkaClient, A], Awaitable[R]], what: A) -> R:
        return await fetch(await self._connected(), what)

    async def _send(self, request: Any) -> Any:
        client = await self._connected()
        return await self._answer_of_any(client, request)

    async def _connected(self) -> AIOKafkaClient:
        if self._client is None:
            await self.refresh(timeout_s=PROBE_TIMEOUT_S)
        if self._client is None:
            raise KafkaUnavailable("No broker is connected")
        return self._client

    async def describe(self, *, timeout_s: float) -> Mapping[str, Any]:
        await self.refresh(timeout_s=timeout_s)
        return {"brokers": self._state.brokers if self._state else (), "topics": dict(self.topics())}


def _read(task: asyncio.Task[ClusterState]) -> None:
    if not task.cancelled():
        task.exception()
