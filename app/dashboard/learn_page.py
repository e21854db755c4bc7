"""The page that teaches Kafka's words with what this cluster has: brokers, some topics, the groups of the table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.api.keys import ApiKey
from app.api.services import Services
from app.dashboard.cluster_facts import ClusterFacts
from app.dashboard.dated import dated
from app.dashboard.documents import Document
from app.dashboard.kafka_refusals import kafka_refusals
from app.dashboard.pages import Page
from app.dashboard.queries import Query
from app.dashboard.topic_access import TopicAccess
from app.errors import KafkaUnavailable
from app.kafka.admin.protocol import ClusterDescription, GroupDescription, TopicDescription
from app.messages import TopicPartition

MOST_TOPICS = 6
MOST_PARTITIONS = 24
"""Of one topic: what is drawn must be seen at a glance."""
MOST_MEMBERS = 24
Offsets = Mapping[TopicPartition, int | None]


class LearnPage:
    """Builds its document."""

    def __init__(self, services: Services, facts: ClusterFacts, access: TopicAccess) -> None:
        self._services = services
        self._facts = facts
        self._access = access

    def page(self) -> Page:
        """The page."""
        return Page("/dashboard/learn", "Learn", self.build, personal=True)

    async def build(self, query: Query) -> Document:
        """Raises Refusal where Kafka does not answer, as there is nothing to draw then."""
        with kafka_refusals():
            if self._services.cluster.reachable is False:
                raise KafkaUnavailable("No broker answers, so there is no cluster to draw")
            cluster = await self._facts.cluster()
            topics = await self._facts.topics()
        shown = self._shown(topics, query.key)
        names = [group.name for group in self._services.table.groups]
        begins, ends, groups = await self._facts.begins(), await self._facts.ends(), await self._facts.groups(names)
        return dated(
            {
                "brokers": brokers(cluster),
                "topics": [taught_topic(topic, begins or {}, ends or {}) for topic in shown],
                "groups": [taught_group(groups[name]) for name in names if name in groups] if groups else [],
            }
        )

    def _shown(self, topics: Mapping[str, TopicDescription], key: ApiKey | None) -> list[TopicDescription]:
        """Those of the table first, then the others that the caller may see."""
        taken = {topic for group in self._services.table.groups for topic in group.resolve(topics, frozenset())}
        visible = [topic for topic in topics.values() if not topic.internal and self._access.visible(topic.topic, key)]
        return sorted(visible, key=lambda topic: (topic.topic not in taken, topic.topic))[:MOST_TOPICS]


def brokers(cluster: ClusterDescription) -> list[dict[str, Any]]:
    """The live brokers."""
    return [{"id": broker.id, "controller": broker.id == cluster.controller} for broker in cluster.brokers]


def taught_topic(topic: TopicDescription, begins: Offsets, ends: Offsets) -> dict[str, Any]:
    """A topic with its first partitions; offsets that are not known are None."""
    return {
        "topic": topic.topic,
        "count": len(topic.partitions),
        "partitions": [
            {
                "partition": one.partition,
                "leader": one.leader if one.leader >= 0 else None,
                "replicas": one.replicas,
                "isr": one.in_sync,
                "begin": begins.get(TopicPartition(topic.topic, one.partition)),
                "end": ends.get(TopicPartition(topic.topic, one.partition)),
            }
            for one in topic.partitions[:MOST_PARTITIONS]
        ],
    }


def taught_group(group: GroupDescription) -> dict[str, Any]:
    """A group with its first members; `idle` counts those of all that have no partition."""
    return {
        "group": group.group,
        "state": group.state,
        "members": [
            {
                "member": member.member_id,
                "instance": member.instance_id,
                "client_id": member.client_id,
                "partitions": _places(member.partitions),
            }
            for member in group.members[:MOST_MEMBERS]
        ],
        "idle": sum(not member.partitions for member in group.members),
    }


def _places(partitions: Iterable[TopicPartition]) -> Sequence[dict[str, Any]]:
    kept: Counter[str] = Counter()
    places = []
    for at in sorted(partitions):
        kept[at.topic] += 1
        if kept[at.topic] <= MOST_PARTITIONS:
            places.append({"topic": at.topic, "partition": at.partition})
    return places
