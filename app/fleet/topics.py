"""The fleet's topics: their names, how they are made, and whether they are there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from app.events import Monitor, TopicCreated

PARTITIONS = 1
CREATE_TIMEOUT_S = 10.0
HOUR_MS = 3_600_000
BROKERS_TIME = {"message.timestamp.type": "LogAppendTime"}
"""One clock for all instances."""
SHORT_SEGMENTS = {"segment.ms": "600000"}
"""Kafka compacts and drops whole segments only, and never the one that is written."""
COMPACTED = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.1", "delete.retention.ms": str(HOUR_MS)}
KEPT_A_WEEK = {"cleanup.policy": "delete", "retention.ms": str(168 * HOUR_MS)}
CONFIGS: Mapping[str, Mapping[str, str]] = {
    "reports": {"cleanup.policy": "delete", "retention.ms": str(HOUR_MS), **SHORT_SEGMENTS, **BROKERS_TIME},
    "states": {**COMPACTED, **SHORT_SEGMENTS, **BROKERS_TIME},
    "metrics": {**COMPACTED, **SHORT_SEGMENTS, **BROKERS_TIME},
    "errors": {**KEPT_A_WEEK, **BROKERS_TIME},
    "commands": {**KEPT_A_WEEK, **BROKERS_TIME},
}
PARTS = ("reports", "errors", "states", "metrics", "commands", "fleet", "redrives")


class FleetTopics(NamedTuple):
    """The names of the topics, and of the group whose member folds. `redrives` is not made with the others: the first
    redrive makes it, and one instance alone has it too."""

    reports: str
    errors: str
    states: str
    metrics: str
    commands: str
    group: str
    redrives: str

    @property
    def all(self) -> tuple[str, ...]:
        return (self.reports, self.errors, self.states, self.metrics, self.commands)


def fleet_topics(name: str) -> FleetTopics:
    """Of the fleet of that name; the one without a name has `demijohn_reports` and so on."""
    prefix = f"demijohn_{name}_" if name else "demijohn_"
    return FleetTopics(*(f"{prefix}{part}" for part in PARTS))


class TopicMaker(Protocol):
    """What is needed of the view of the cluster."""

    def topics(self) -> Mapping[str, int]: ...
    async def refresh(self, *, timeout_s: float) -> Mapping[str, int]: ...
    async def create_topic(
        self, topic: str, partitions: int, config: Mapping[str, str] | None = None, *, timeout_s: float
    ) -> bool: ...


def missing(topics: FleetTopics, cluster: TopicMaker) -> list[str]:
    """Those that are not there, as far as is known."""
    known = cluster.topics()
    return [topic for topic in topics.all if topic not in known]


async def create(topics: FleetTopics, cluster: TopicMaker, monitor: Monitor) -> None:
    """Makes those that are not there. Raises KafkaUnavailable."""
    existing = await cluster.refresh(timeout_s=CREATE_TIMEOUT_S)
    for part, config in CONFIGS.items():
        topic = getattr(topics, part)
        if topic not in existing and await cluster.create_topic(topic, PARTITIONS, config, timeout_s=CREATE_TIMEOUT_S):
            monitor.emit(TopicCreated(topic, PARTITIONS))
