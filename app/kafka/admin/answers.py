"""What librdkafka's admin client answers, in the terms of `app.kafka.admin.protocol`; and its errors as ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from app.errors import (
    AdminForbidden,
    AdminRefused,
    DemijohnError,
    KafkaUnavailable,
    NoSuchResource,
    NotSupportedByBroker,
)
from app.kafka.admin.protocol import (
    Broker,
    ConfigEntry,
    GroupDescription,
    GroupMember,
    TopicDescription,
)
from app.kafka.topic_details import PartitionDetails
from app.messages import TopicPartition

INTERNAL_PREFIX = "__"
AWAY = frozenset(
    {
        KafkaError._TRANSPORT,
        KafkaError._TIMED_OUT,
        KafkaError._TIMED_OUT_QUEUE,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._RESOLVE,
        KafkaError._SSL,
        KafkaError._AUTHENTICATION,
        KafkaError._DESTROY,
        KafkaError._WAIT_COORD,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.BROKER_NOT_AVAILABLE,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.NETWORK_EXCEPTION,
        KafkaError.NOT_CONTROLLER,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.NOT_COORDINATOR,
    }
)
FORBIDDEN = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    }
)
UNSUPPORTED = frozenset({KafkaError._UNSUPPORTED_FEATURE, KafkaError.UNSUPPORTED_VERSION, KafkaError._NOT_IMPLEMENTED})
MISSING = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._UNKNOWN_PARTITION,
        KafkaError.GROUP_ID_NOT_FOUND,
    }
)
REMEDIES = {
    KafkaError.NON_EMPTY_GROUP: "the group has members: stop them first",
    KafkaError.UNKNOWN_MEMBER_ID: "the group has members: stop them first",
    KafkaError.GROUP_SUBSCRIBED_TO_TOPIC: "the group reads the topic: stop its members first",
    KafkaError.TOPIC_ALREADY_EXISTS: "there is a topic of this name",
}


def refusal(error: KafkaException | KafkaError, what: str, right: str) -> DemijohnError:
    """Our error for one of librdkafka's. `what` was asked for, and `right` is what Kafka's rules ask for it."""
    told = error if isinstance(error, KafkaError) else error.args[0]
    code, text = told.code(), told.str()
    if code in AWAY:
        return KafkaUnavailable(f"{what}: {text}")
    if code in FORBIDDEN:
        return AdminForbidden(
            told.name(), f"{what}: Kafka does not allow it; give the service's user the right {right}"
        )
    if code in UNSUPPORTED:
        return NotSupportedByBroker(told.name(), f"{what}: this broker cannot do it ({text})")
    remedy = REMEDIES.get(code)
    kind = NoSuchResource if code in MISSING else AdminRefused
    return kind(told.name(), f"{what}: {text}" if remedy is None else f"{what}: {remedy} ({text})")


def brokers_of(metadata: Any) -> tuple[Broker, ...]:
    """The live brokers, by their numbers; their racks are not said here."""
    return tuple(Broker(one.id, one.host, one.port) for _, one in sorted(metadata.brokers.items()))


def topics_of(metadata: Any) -> dict[str, TopicDescription]:
    """All topics that exist, by name."""
    return {
        name: TopicDescription(name, name.startswith(INTERNAL_PREFIX), _partitions(topic))
        for name, topic in sorted(metadata.topics.items())
        if topic.partitions
    }


def _partitions(topic: Any) -> tuple[PartitionDetails, ...]:
    return tuple(
        PartitionDetails(number, one.leader, tuple(one.replicas), tuple(one.isrs))
        for number, one in sorted(topic.partitions.items())
    )


def config_of(entries: Mapping[str, Any]) -> tuple[ConfigEntry, ...]:
    """A configuration, by name. A sensitive value is never told, whatever the broker says."""
    return tuple(_entry(name, entry) for name, entry in sorted(entries.items()))


def _entry(name: str, entry: Any) -> ConfigEntry:
    source = entry.source if isinstance(entry.source, str) else _config_source(entry.source)
    value = None if entry.is_sensitive else entry.value
    return ConfigEntry(name, value, source, entry.is_default, entry.is_read_only, entry.is_sensitive)


def _config_source(source: Any) -> str:
    names = {
        0: "unknown",
        1: "dynamic_topic_config",
        2: "dynamic_broker_config",
        3: "dynamic_default_broker_config",
        4: "static_broker_config",
        5: "default_config",
        6: "group_config",
    }
    return names.get(getattr(source, "value", source), "unknown")


def group_of(described: Any) -> GroupDescription:
    """A group as its coordinator describes it."""
    coordinator = getattr(described.coordinator, "id", None)
    return GroupDescription(
        described.group_id,
        described.state.name.lower(),
        kind_of(described),
        described.partition_assignor or "",
        None if coordinator is None or coordinator < 0 else coordinator,
        tuple(_member(member) for member in described.members),
    )


def kind_of(described: Any) -> str | None:
    """classic or consumer; None where the broker does not say."""
    kind = getattr(described, "type", None)
    return None if kind is None or kind.name == "UNKNOWN" else str(kind.name).lower()


def _member(member: Any) -> GroupMember:
    partitions = sorted(TopicPartition(at.topic, at.partition) for at in member.assignment.topic_partitions)
    return GroupMember(
        member.member_id, member.client_id, member.host, member.group_instance_id or None, tuple(partitions)
    )


def committed_of(partitions: Iterable[Any]) -> dict[TopicPartition, int]:
    """What was committed, by partition; partitions of which nothing was are left out."""
    return {TopicPartition(at.topic, at.partition): at.offset for at in partitions if at.offset >= 0}
