"""Implements `app.kafka.admin.protocol.Admin`: librdkafka's admin client, and what it lacks by requests of our own."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TypeVar

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import BrokerResponseError, IncompatibleBrokerVersion
from confluent_kafka import KafkaError
from confluent_kafka.admin import AdminClient

from app.errors import AdminRefused, KafkaUnavailable, NotSupportedByBroker
from app.kafka.admin import asking, changing
from app.kafka.admin.answers import brokers_of, refusal, topics_of
from app.kafka.admin.calls import Asked, Calls
from app.kafka.admin.protocol import (
    ClusterDescription,
    ConfigChanges,
    ConfigEntry,
    GroupDescription,
    GroupListing,
    Isolation,
    NewTopic,
    OffsetAt,
    Rights,
    TopicDescription,
)
from app.kafka.admin.requests import (
    GroupPartitions,
    delete_offsets,
    fetch_log_directories,
    fetch_quorum_leader,
    log_sizes,
)
from app.kafka.cluster import Cluster
from app.messages import TopicPartition
from app.settings import Settings

A = TypeVar("A")
T = TypeVar("T")
CLUSTER = "Describe on the cluster"


class KafkaAdmin:
    """Asks and changes the cluster that `cluster` looks at; its probe need not run."""

    def __init__(self, settings: Settings, cluster: Cluster) -> None:
        self._cluster = cluster
        self._calls = Calls(settings, lambda: cluster.bootstrap_servers)

    def close(self) -> None:
        """Takes no more calls. Does not wait; may be called twice."""
        self._calls.close()

    async def cluster(self, *, timeout_s: float) -> ClusterDescription:
        deadline = time.monotonic() + timeout_s
        described = await self._ask(asking.describe_cluster, "The cluster was not described", CLUSTER, timeout_s)
        try:
            leader = await self._send(fetch_quorum_leader, None, "The quorum's leader", CLUSTER, deadline)
        except (AdminRefused, KafkaUnavailable):
            return described
        return ClusterDescription(described.cluster_id, leader, described.brokers)

    async def topics(self, *, timeout_s: float) -> Mapping[str, TopicDescription]:
        def ask(client: AdminClient, left_s: float) -> Mapping[str, TopicDescription]:
            return topics_of(client.list_topics(timeout=left_s))

        return await self._ask(ask, "The topics were not described", "Describe on the topics", timeout_s)

    async def config(self, topic: str, *, timeout_s: float) -> tuple[ConfigEntry, ...]:
        what = f"The configuration of {topic} was not read"
        return await self._of_controller(asking.config(topic), what, f"DescribeConfigs on the topic {topic}", timeout_s)

    async def configs(self, topics: Collection[str], *, timeout_s: float) -> Mapping[str, Mapping[str, str | None]]:
        what = "The configurations were not read"
        return await self._of_controller(asking.configs(topics), what, "DescribeConfigs on the topics", timeout_s)

    async def log_sizes(self, *, timeout_s: float) -> Mapping[int, Mapping[TopicPartition, int]]:
        deadline = time.monotonic() + timeout_s
        what = "The sizes on disk were not read"
        answers = await self._send(fetch_log_directories, timeout_s, what, CLUSTER, deadline)

        def read(_client: AdminClient, _left_s: float) -> Mapping[int, Mapping[TopicPartition, int]]:
            try:
                return {broker: log_sizes(answer) for broker, answer in answers.items()}
            except BrokerResponseError as error:
                raise _refused(error, what, CLUSTER) from error

        return await self._ask(read, what, CLUSTER, deadline - time.monotonic())

    async def offsets(
        self,
        partitions: Collection[TopicPartition],
        at: OffsetAt,
        *,
        isolation: Isolation = "read_uncommitted",
        timeout_s: float,
    ) -> Mapping[TopicPartition, int | None]:
        if not partitions:
            return {}
        ask = asking.offsets(partitions, at, isolation)
        return await self._ask(ask, "The offsets were not looked up", "Describe on the topics", timeout_s)

    async def groups(self, *, timeout_s: float) -> tuple[GroupListing, ...]:
        return await self._ask(asking.list_groups, "The groups were not listed", CLUSTER, timeout_s)

    async def describe_groups(self, groups: Collection[str], *, timeout_s: float) -> Mapping[str, GroupDescription]:
        if not groups:
            return {}
        what, right = f"{_listed(groups)} was not described", f"Describe on the group {_listed(groups)}"
        return await self._ask(asking.describe_groups(groups), what, right, timeout_s)

    async def committed(self, group: str, *, timeout_s: float) -> Mapping[TopicPartition, int]:
        what = f"The offsets of {group} were not read"
        return await self._ask(asking.committed(group), what, f"Describe on the group {group}", timeout_s)

    async def rights(self, topics: Collection[str], groups: Collection[str], *, timeout_s: float) -> Rights:
        right = "Describe on the topics and groups"
        return await self._ask(asking.rights(topics, groups), "The rights were not told", right, timeout_s)

    async def create_topic(self, new: NewTopic, *, timeout_s: float, preview: bool = False) -> None:
        right = f"Create on the topic {new.topic}"
        await self._of_controller(changing.create_topic(new, preview), f"Creating {new.topic}", right, timeout_s)

    async def delete_topic(self, topic: str, *, timeout_s: float) -> None:
        right = f"Delete on the topic {topic}"
        await self._of_controller(changing.delete_topic(topic), f"Deleting {topic}", right, timeout_s)

    async def add_partitions(self, topic: str, count: int, *, timeout_s: float, preview: bool = False) -> None:
        what, right = f"Adding partitions to {topic}", f"Alter on the topic {topic}"
        await self._of_controller(changing.add_partitions(topic, count, preview), what, right, timeout_s)

    async def alter_config(
        self, topic: str, changes: ConfigChanges, *, timeout_s: float, preview: bool = False
    ) -> None:
        what, right = f"Changing the configuration of {topic}", f"AlterConfigs on the topic {topic}"
        await self._of_controller(changing.alter_config(topic, changes, preview), what, right, timeout_s)

    async def delete_records(
        self, before: Mapping[TopicPartition, int], *, timeout_s: float
    ) -> Mapping[TopicPartition, int]:
        right = f"Delete on the topic {_listed({at.topic for at in before})}"
        return await self._ask(changing.delete_records(before), "Deleting records", right, timeout_s)

    async def delete_groups(self, groups: Sequence[str], *, timeout_s: float) -> None:
        what, right = f"Deleting the group {_listed(groups)}", f"Delete on the group {_listed(groups)}"
        await self._ask(changing.delete_groups(groups), what, right, timeout_s)

    async def alter_offsets(self, group: str, offsets: Mapping[TopicPartition, int], *, timeout_s: float) -> None:
        what, right = f"Changing the offsets of {group}", f"Read on the group {group} and its topics"
        await self._ask(changing.alter_offsets(group, offsets, Asked(what, right)), what, right, timeout_s)

    async def reset_offsets(
        self, group: str, partitions: Collection[TopicPartition], to: OffsetAt, *, timeout_s: float
    ) -> Mapping[TopicPartition, int]:
        deadline = time.monotonic() + timeout_s
        found = dict(await self.offsets(partitions, to, timeout_s=timeout_s))
        beyond = [at for at, offset in found.items() if offset is None]
        found |= await self.offsets(beyond, "latest", timeout_s=deadline - time.monotonic())
        offsets = {at: offset for at, offset in found.items() if offset is not None}
        if gone := set(partitions) - offsets.keys():
            raise KafkaUnavailable(f"Changing the offsets of {group}: {_listed(gone)} has no leader now")
        await self.alter_offsets(group, offsets, timeout_s=deadline - time.monotonic())
        return offsets

    async def delete_offsets(self, group: str, partitions: Collection[TopicPartition], *, timeout_s: float) -> None:
        what, right = f"Deleting offsets of {group}", f"Delete on the group {group}"
        asked = GroupPartitions(group, tuple(partitions))
        refused = await self._send(delete_offsets, asked, what, right, time.monotonic() + timeout_s)
        for at, code in refused.items():
            raise refusal(KafkaError(code), f"{what} for {at}", right)

    async def _ask(self, function: Callable[[AdminClient, float], T], what: str, right: str, timeout_s: float) -> T:
        return await self._calls.run(function, Asked(what, right), timeout_s)

    async def _of_controller(
        self, function: Callable[[AdminClient, float], T], what: str, right: str, timeout_s: float
    ) -> T:
        """Of what librdkafka asks a controller only. The in-memory broker has none, and it would be waited for."""

        def change(client: AdminClient, left_s: float) -> T:
            deadline = time.monotonic() + left_s
            metadata = client.list_topics(topic="", timeout=left_s)
            if metadata.controller_id >= 0 and metadata.controller_id not in {one.id for one in brokers_of(metadata)}:
                raise NotSupportedByBroker("no_controller", f"{what}: this broker cannot do it")
            return function(client, max(0.1, deadline - time.monotonic()))

        return await self._ask(change, what, right, timeout_s)

    async def _send(
        self,
        fetch: Callable[[AIOKafkaClient, A], Awaitable[T]],
        asked: A,
        what: str,
        right: str,
        deadline: float,
    ) -> T:
        try:
            return await self._cluster.read(fetch, asked, max(0.1, deadline - time.monotonic()))
        except KafkaUnavailable as error:
            cause = error.__cause__
            if isinstance(cause, IncompatibleBrokerVersion):
                raise NotSupportedByBroker("unsupported_version", f"{what}: this broker cannot do it") from error
            if isinstance(cause, BrokerResponseError) and not cause.retriable:
                raise _refused(cause, what, right) from error
            raise


def _refused(error: BrokerResponseError, what: str, right: str) -> Exception:
    return refusal(KafkaError(error.errno), what, right)


def _listed(names: Collection[object]) -> str:
    first, *others = sorted(map(str, names))
    return f"{first} and {len(others)} more" if others else first
