"""What is to be said of topics as they are: partitions without a leader, replicas that are behind, no room to fail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from app.kafka.admin.protocol import TopicDescription

Level = Literal["bad", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`bad`: it is not in order now; `note`: it is, and the next failure of a broker will hurt."""

    topic: str
    level: Level
    text: str


def findings(topics: Iterable[TopicDescription], configs: Mapping[str, Mapping[str, str | None]]) -> Iterator[Finding]:
    """Everything that is to be said, topic after topic. `configs`: where they may be read."""
    for one in sorted(topics, key=lambda topic: topic.topic):
        yield from _now(one)
        yield from _next(one, configs.get(one.topic, {}).get("min.insync.replicas"))


def _now(one: TopicDescription) -> Iterator[Finding]:
    offline = [part.partition for part in one.partitions if part.leader < 0]
    behind = [part.partition for part in one.partitions if part.leader >= 0 and len(part.in_sync) < len(part.replicas)]
    if offline:
        yield Finding(one.topic, "bad", f"no leader: partitions {_listed(offline)} can neither be read nor written")
    if behind:
        yield Finding(one.topic, "bad", f"replicas of partitions {_listed(behind)} are not in sync")


def _next(one: TopicDescription, least: str | None) -> Iterator[Finding]:
    replicas = min((len(part.replicas) for part in one.partitions), default=0)
    if replicas == 1:
        yield Finding(one.topic, "note", "one replica: when its broker fails the topic is away, and may be lost")
    elif least is not None and least.isdigit() and int(least) >= replicas > 1:
        text = f"min.insync.replicas is {least} of {replicas} replicas: with one broker down nothing can be written"
        yield Finding(one.topic, "note", text)
    elif least == "1" and replicas > 1:
        text = f"min.insync.replicas is 1 of {replicas} replicas: what is acknowledged may be lost with one broker"
        yield Finding(one.topic, "note", text)


def _listed(partitions: list[int]) -> str:
    return ", ".join(map(str, partitions))
