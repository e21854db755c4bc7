"""The cluster as rows of documents: its brokers, and the partitions that are in trouble, with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from app.kafka.admin.protocol import ClusterDescription, TopicDescription
from app.kafka.topic_details import PartitionDetails
from app.messages import TopicPartition

Row = dict[str, Any]


def broker_rows(
    cluster: ClusterDescription,
    topics: Collection[TopicDescription],
    sizes: Mapping[int, Mapping[TopicPartition, int]] | None,
) -> list[Row]:
    """One row for each broker, those too that partitions name as a replica and that do not live."""
    partitions = [one for topic in topics for one in topic.partitions]
    leads = Counter(one.leader for one in partitions)
    replicas = Counter(broker for one in partitions for broker in one.replicas)
    rows: list[Row] = [
        {"id": one.id, "host": one.host, "port": one.port, "rack": one.rack, "alive": True} for one in cluster.brokers
    ]
    rows += [
        {"id": broker, "host": None, "port": None, "rack": None, "alive": False}
        for broker in down_brokers(cluster, topics)
    ]
    for row in rows:
        broker = row["id"]
        held = None if sizes is None or broker not in sizes else sum(sizes[broker].values())
        row |= {
            "controller": broker == cluster.controller,
            "leads": leads[broker],
            "replicas": replicas[broker],
            "size_bytes": held,
        }
    return sorted(rows, key=lambda row: int(row["id"]))


def down_brokers(cluster: ClusterDescription, topics: Iterable[TopicDescription]) -> list[int]:
    """Brokers that should hold replicas and do not live."""
    named = {broker for topic in topics for one in topic.partitions for broker in one.replicas}
    return sorted(named - {broker.id for broker in cluster.brokers})


def troubled(topics: Iterable[TopicDescription]) -> list[TopicDescription]:
    """Topics of which a partition is offline, or lacks an in-sync replica."""
    return [topic for topic in topics if any(_lacks(one) for one in topic.partitions)]


def _lacks(one: PartitionDetails) -> bool:
    return one.leader < 0 or len(one.in_sync) < len(one.replicas)


def trouble_rows(
    cluster: ClusterDescription, topics: Iterable[TopicDescription], least_in_sync: Mapping[str, int | None]
) -> list[Row]:
    """One row for each partition that is in trouble. `least_in_sync`: min.insync.replicas by topic."""
    alive = {broker.id for broker in cluster.brokers}
    return [
        {
            "topic": topic.topic,
            "partition": one.partition,
            "kind": _kind(one, least_in_sync.get(topic.topic)),
            "leader": None if one.leader < 0 else one.leader,
            "replicas": list(one.replicas),
            "isr": list(one.in_sync),
            "detail": " ".join(_sentences(one, alive, least_in_sync.get(topic.topic))),
        }
        for topic in topics
        for one in topic.partitions
        if _lacks(one)
    ]


def _kind(one: PartitionDetails, least: int | None) -> str:
    if one.leader < 0:
        return "offline"
    return "under_min_isr" if least is not None and len(one.in_sync) < least else "under_replicated"


def _sentences(one: PartitionDetails, alive: Collection[int], least: int | None) -> Iterator[str]:
    missing = [broker for broker in one.replicas if broker not in one.in_sync]
    down, behind = [b for b in missing if b not in alive], [b for b in missing if b in alive]
    if one.leader < 0:
        waits = [broker for broker in one.in_sync if broker not in alive] or down
        yield f"Nobody can read or write it: {_brokers(waits)} must come back." if waits else "It has no leader now."
    elif least is not None and len(one.in_sync) < least:
        yield f"Writes with acks=all are refused: {len(one.in_sync)} in sync, min.insync.replicas is {least}."
    if down:
        yield f"{_brokers(down).capitalize()} {'is' if len(down) == 1 else 'are'} down."
    if behind:
        yield f"{_brokers(behind).capitalize()} {'is' if len(behind) == 1 else 'are'} up and behind the leader."


def _brokers(ids: Collection[int]) -> str:
    names = " and ".join(map(str, sorted(ids)))
    return f"broker{'s' if len(ids) > 1 else ''} {names}"
