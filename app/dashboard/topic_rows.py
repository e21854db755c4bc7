"""Topics and their partitions as rows of documents: plain functions of what Kafka has said, to be run in a thread."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.kafka.admin.protocol import ConfigEntry, GroupDescription, TopicDescription
from app.kafka.topic_details import PartitionDetails
from app.messages import TopicPartition
from app.routes.table import RoutingTable

ByPartition = Mapping[TopicPartition, int]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known besides the partitions; None: Kafka does not tell."""

    begins: Mapping[TopicPartition, int | None] | None = None
    ends: Mapping[TopicPartition, int | None] | None = None
    sizes: Mapping[int, ByPartition] | None = None
    committed: Mapping[str, ByPartition] | None = None
    configs: Mapping[str, Mapping[str, str | None]] | None = None

    def messages(self, at: TopicPartition) -> int | None:
        """How many offsets there are between its ends: as many messages at most."""
        begin, end = (self.begins or {}).get(at), (self.ends or {}).get(at)
        return None if begin is None or end is None else max(0, end - begin)


def topic_rows(topics: Iterable[TopicDescription], facts: Facts, table: RoutingTable, own_dlq: str) -> list[Row]:
    """One row for each topic."""
    disk = _sizes_by_topic(facts)
    lags = _lags_by_topic(facts)
    dead = table.dead_letter_topics() | {own_dlq}
    return [
        {
            "topic": topic.topic,
            "internal": topic.internal,
            "partitions": len(topic.partitions),
            "replicas": max(len(one.replicas) for one in topic.partitions),
            "under_replicated": sum(len(one.in_sync) < len(one.replicas) for one in topic.partitions),
            "offline": sum(one.leader < 0 for one in topic.partitions),
            "messages": total(facts.messages(TopicPartition(topic.topic, one.partition)) for one in topic.partitions),
            "size_bytes": None if disk is None else disk.get(topic.topic, 0),
            "cleanup_policy": ((facts.configs or {}).get(topic.topic) or {}).get("cleanup.policy"),
            "groups": [{"group": group, "lag": lag} for group, lag in sorted(lags.get(topic.topic, {}).items())],
            "consumer": next(iter(consumers_of(table, topic.topic)), None),
            "dlq": topic.topic in dead,
        }
        for topic in topics
    ]


def total(numbers: Iterable[int | None]) -> int | None:
    """Their sum; None where one is not known."""
    summed = 0
    for number in numbers:
        if number is None:
            return None
        summed += number
    return summed


def consumers_of(table: RoutingTable, topic: str) -> Sequence[str]:
    """The consumers that the table gives the topic to, one for each group at most."""
    excluded = table.dead_letter_topics()
    lines = (group.resolve([topic], excluded).get(topic) for group in table.groups)
    return [line.consumer.__name__ for line in lines if line is not None]


def _sizes_by_topic(facts: Facts) -> Mapping[str, int] | None:
    """Of all replicas together."""
    if facts.sizes is None:
        return None
    sizes: dict[str, int] = defaultdict(int)
    for replicas in facts.sizes.values():
        for at, size in replicas.items():
            sizes[at.topic] += size
    return sizes


def _lags_by_topic(facts: Facts) -> Mapping[str, Mapping[str, int | None]]:
    lags: dict[str, dict[str, int | None]] = defaultdict(dict)
    for group, offsets in (facts.committed or {}).items():
        by_topic: dict[str, list[int | None]] = defaultdict(list)
        for at, offset in offsets.items():
            end = (facts.ends or {}).get(at)
            by_topic[at.topic].append(None if end is None else max(0, end - offset))
        for topic, missing in by_topic.items():
            lags[topic][group] = total(missing)
    return lags


def partition_rows(topic: TopicDescription, facts: Facts) -> list[Row]:
    """One row for each partition; its size is that of the leader's replica."""
    return [_partition_row(topic.topic, one, facts) for one in topic.partitions]


def _partition_row(topic: str, one: PartitionDetails, facts: Facts) -> Row:
    at = TopicPartition(topic, one.partition)
    return {
        "partition": one.partition,
        "leader": None if one.leader < 0 else one.leader,
        "replicas": list(one.replicas),
        "isr": list(one.in_sync),
        "begin": (facts.begins or {}).get(at),
        "end": (facts.ends or {}).get(at),
        "messages": facts.messages(at),
        "size_bytes": ((facts.sizes or {}).get(one.leader) or {}).get(at),
    }


def group_rows(topic: str, facts: Facts, described: Mapping[str, GroupDescription] | None) -> list[Row]:
    """The groups that have committed something of the topic, or read it now."""
    lags = _lags_by_topic(facts).get(topic, {})
    reading = {name: group for name, group in (described or {}).items() if name in lags or _members(group, topic)}
    return [
        {
            "group": name,
            "state": reading[name].state if name in reading else None,
            "lag": lags.get(name),
            "members": len(_members(reading[name], topic)) if name in reading else None,
        }
        for name in sorted(lags.keys() | reading.keys())
    ]


def _members(group: GroupDescription, topic: str) -> Collection[str]:
    return [member.member_id for member in group.members if any(at.topic == topic for at in member.partitions)]


def config_rows(entries: Sequence[ConfigEntry]) -> list[Row]:
    """The configuration as it stands in documents."""
    return [
        {
            "name": entry.name,
            "value": entry.value,
            "source": entry.source,
            "default": entry.default,
            "read_only": entry.read_only,
            "sensitive": entry.sensitive,
        }
        for entry in entries
    ]
