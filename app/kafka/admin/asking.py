"""What is asked of librdkafka's admin client: each a function of the client and the seconds that are left."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from confluent_kafka import ConsumerGroupTopicPartitions, IsolationLevel, KafkaException, TopicCollection
from confluent_kafka import TopicPartition as At
from confluent_kafka.admin import AdminClient, ConfigResource, OffsetSpec

from app.kafka.admin.answers import AWAY, brokers_of, committed_of, config_of, group_of, kind_of
from app.kafka.admin.calls import results
from app.kafka.admin.protocol import (
    Broker,
    ClusterDescription,
    ConfigEntry,
    GroupDescription,
    GroupListing,
    Isolation,
    OffsetAt,
    Rights,
)
from app.messages import TopicPartition

T = TypeVar("T")
GROUPS_AT_ONCE = 100
OFFSETS_AT_ONCE = 250
"""What librdkafka needs for one call grows with the square of its partitions: 10,000 at once took it over 5 s."""
CONFIGS_AT_ONCE = 50
"""Its thread makes thirty objects for each topic of an answer, and the loop waits until the last of them is made."""
SHOWN_CONFIGS = ("cleanup.policy", "min.insync.replicas", "retention.ms")
"""What lists of topics tell of each: a whole configuration is thirty entries."""


def describe_cluster(client: AdminClient, left_s: float) -> ClusterDescription:
    """Brokers that have no controller answer the first question only. Where Kafka has a quorum any broker stands for
    the controller; it is of the same answer as the brokers, for one may go down between the two."""
    deadline = time.monotonic() + left_s
    metadata = client.list_topics(topic="", timeout=left_s)
    brokers, controller = brokers_of(metadata), metadata.controller_id
    if controller in {broker.id for broker in brokers}:
        request_s = max(0.1, deadline - time.monotonic())
        (described,) = results([client.describe_cluster(request_timeout=request_s)], request_s)
        nodes = sorted(described.nodes, key=lambda node: node.id)
        brokers = tuple(Broker(node.id, node.host, node.port, node.rack or None) for node in nodes)
        controller = -1 if described.controller is None else described.controller.id
    told = controller in {broker.id for broker in brokers}
    return ClusterDescription(metadata.cluster_id, controller if told else None, brokers)


def config(topic: str) -> Callable[[AdminClient, float], tuple[ConfigEntry, ...]]:
    def ask(client: AdminClient, left_s: float) -> tuple[ConfigEntry, ...]:
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        futures = client.describe_configs([resource], request_timeout=left_s)
        return config_of(results(futures.values(), left_s)[0])

    return ask


def configs(topics: Collection[str]) -> Callable[[AdminClient, float], Mapping[str, Mapping[str, str | None]]]:
    def ask(client: AdminClient, left_s: float) -> Mapping[str, Mapping[str, str | None]]:
        deadline = time.monotonic() + left_s
        found: dict[str, Mapping[str, str | None]] = {}
        for part in _parts(sorted(topics), CONFIGS_AT_ONCE):
            request_s = max(0.1, deadline - time.monotonic())
            resources = [ConfigResource(ConfigResource.Type.TOPIC, topic) for topic in part]
            for resource, future in client.describe_configs(resources, request_timeout=request_s).items():
                try:
                    (entries,) = results([future], request_s)
                except KafkaException as error:
                    if error.args[0].code() in AWAY:
                        raise
                    continue
                found[resource.name] = {name: entries[name].value for name in SHOWN_CONFIGS if name in entries}
        return found

    return ask


def offsets(
    partitions: Collection[TopicPartition], at: OffsetAt, isolation: Isolation
) -> Callable[[AdminClient, float], Mapping[TopicPartition, int | None]]:
    level = IsolationLevel.READ_COMMITTED if isolation == "read_committed" else IsolationLevel.READ_UNCOMMITTED

    def ask(client: AdminClient, left_s: float) -> Mapping[TopicPartition, int | None]:
        deadline = time.monotonic() + left_s
        found: dict[TopicPartition, int | None] = {}
        for part in _parts(sorted(partitions), OFFSETS_AT_ONCE):
            request_s = max(0.1, deadline - time.monotonic())
            wanted = {At(*partition): _spec(at) for partition in part}
            futures = client.list_offsets(wanted, request_timeout=request_s, isolation_level=level)
            for partition, asked in zip(part, wanted, strict=True):
                found[partition] = _offset_of(futures[asked], request_s, alone=len(partitions) == 1)
        return found

    return ask


def _offset_of(future: Future[Any], left_s: float, *, alone: bool) -> int | None:
    """None where there is none, or where its leader does not answer, if others were asked too."""
    try:
        (answer,) = results([future], left_s)
    except KafkaException as error:
        if error.args[0].code() not in AWAY or alone:
            raise
        return None
    return None if answer.offset < 0 else int(answer.offset)


def _spec(at: OffsetAt) -> Any:
    spec: Any = OffsetSpec  # has no types
    if isinstance(at, int):
        return spec.for_timestamp(at)
    return spec.earliest() if at == "earliest" else spec.latest()


def list_groups(client: AdminClient, left_s: float) -> tuple[GroupListing, ...]:
    """Raises what a broker answered, if not even one could list its groups."""
    (listed,) = results([client.list_consumer_groups(request_timeout=left_s)], left_s)
    if listed.errors and not listed.valid:
        first = listed.errors[0]
        raise first if isinstance(first, KafkaException) else KafkaException(first)
    found = [GroupListing(one.group_id, one.state.name.lower(), kind_of(one)) for one in listed.valid]
    return tuple(sorted(found, key=lambda listing: listing.group))


def rights(topics: Collection[str], groups: Collection[str]) -> Callable[[AdminClient, float], Rights]:
    def ask(client: AdminClient, left_s: float) -> Rights:
        told = {"include_authorized_operations": True, "request_timeout": left_s}
        of_topics = client.describe_topics(TopicCollection(sorted(topics)), **told) if topics else {}
        of_groups = client.describe_consumer_groups(sorted(groups), **told) if groups else {}
        return Rights(_allowed(of_topics, left_s), _allowed(of_groups, left_s))

    return ask


def _allowed(futures: Mapping[str, Future[Any]], left_s: float) -> Mapping[str, frozenset[str]]:
    described = zip(futures, results(futures.values(), left_s), strict=True)
    told = ((name, one.authorized_operations) for name, one in described)
    return {name: frozenset(each.name.lower() for each in allowed) for name, allowed in told if allowed}


def describe_groups(groups: Collection[str]) -> Callable[[AdminClient, float], Mapping[str, GroupDescription]]:
    def ask(client: AdminClient, left_s: float) -> Mapping[str, GroupDescription]:
        deadline = time.monotonic() + left_s
        found: dict[str, GroupDescription] = {}
        for part in _parts(sorted(groups), GROUPS_AT_ONCE):
            request_s = max(0.1, deadline - time.monotonic())
            futures = client.describe_consumer_groups(list(part), request_timeout=request_s)
            described = results(futures.values(), request_s)
            found |= {name: group_of(one) for name, one in zip(futures, described, strict=True)}
        return found

    return ask


def committed(group: str) -> Callable[[AdminClient, float], Mapping[TopicPartition, int]]:
    def ask(client: AdminClient, left_s: float) -> Mapping[TopicPartition, int]:
        request = ConsumerGroupTopicPartitions(group)
        futures = client.list_consumer_group_offsets([request], request_timeout=left_s)
        return committed_of(results(futures.values(), left_s)[0].topic_partitions)

    return ask


def _parts(all_of_them: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    return (all_of_them[start : start + most] for start in range(0, len(all_of_them), most))
