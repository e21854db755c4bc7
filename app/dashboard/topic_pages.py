"""The pages of topics and of the cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from app.api.services import Services
from app.dashboard.cluster_facts import TIMEOUT_S, ClusterFacts, optional
from app.dashboard.cluster_rows import broker_rows, down_brokers, trouble_rows, troubled
from app.dashboard.dated import dated
from app.dashboard.documents import Document
from app.dashboard.kafka_refusals import kafka_refusals
from app.dashboard.pages import Page
from app.dashboard.queries import Query, TableSpec
from app.dashboard.topic_access import TopicAccess
from app.dashboard.topic_rows import Facts, config_rows, consumers_of, group_rows, partition_rows, topic_rows
from app.kafka.admin.protocol import ClusterDescription, TopicDescription

TOPICS = TableSpec(
    (
        "topic",
        "internal",
        "partitions",
        "replicas",
        "under_replicated",
        "offline",
        "messages",
        "size_bytes",
        "cleanup_policy",
        "groups",
        "consumer",
        "dlq",
    ),
    "topic",
)
TROUBLED = TableSpec(("topic", "partition", "kind", "leader", "replicas", "isr", "detail"), "topic", "troubled")


class TopicPages:
    """Builds their documents: asks on the loop, puts together in a thread."""

    def __init__(self, services: Services, facts: ClusterFacts, access: TopicAccess) -> None:
        self._services = services
        self._facts = facts
        self._access = access

    def pages(self) -> Iterator[Page]:
        """The three of them."""
        yield Page("/dashboard/topics", "Topics", self.topics, TOPICS, ("internal",), personal=True)
        yield Page("/dashboard/topics/{topic}", "Topic", self.topic, personal=True)
        yield Page("/dashboard/cluster", "Cluster", self.cluster, TROUBLED, personal=True)

    async def topics(self, query: Query) -> Document:
        internal = query.flag("internal")
        with kafka_refusals():
            topics = await self._facts.topics()
        shown = [
            topic
            for topic in topics.values()
            if self._access.visible(topic.topic, query.key) and (internal or not topic.internal)
        ]
        known = await self._known()

        def build() -> Document:
            own_dlq = self._services.settings.http_async_dlq_topic
            rows = topic_rows(shown, known, self._services.table, own_dlq)
            return dated({"table": query.table(rows)})

        return await asyncio.to_thread(build)

    async def topic(self, query: Query) -> Document:
        name = query.path["topic"]
        with kafka_refusals():
            topics = await self._facts.topics()
            self._access.check(name, query.key, topics.__contains__)
            entries = await optional(self._services.admin.config(name, timeout_s=TIMEOUT_S))
        known = await self._known()
        described = await self._facts.groups(list(known.committed or ()))

        def build() -> Document:
            table = self._services.table
            return dated(
                {
                    "topic": name,
                    "internal": topics[name].internal,
                    "partitions": partition_rows(topics[name], known),
                    "config": None if entries is None else config_rows(entries),
                    "groups": None if known.committed is None else group_rows(name, known, described),
                    "dlq": name in table.dead_letter_topics() | {self._services.settings.http_async_dlq_topic},
                    "masked": self._access.masked(name),
                    "routed": list(consumers_of(table, name)),
                }
            )

        return await asyncio.to_thread(build)

    async def _known(self) -> Facts:
        """One after the other: threads that compute side by side would keep the loop from the interpreter."""
        facts = self._facts
        return Facts(
            begins=await facts.begins(),
            ends=await facts.ends(),
            sizes=await facts.sizes(),
            committed=await facts.committed(),
            configs=await facts.configs(),
        )

    async def cluster(self, query: Query) -> Document:
        with kafka_refusals():
            cluster, topics = await asyncio.gather(self._facts.cluster(), self._facts.topics())
        sizes = await self._facts.sizes()
        visible = [topic for topic in topics.values() if self._access.visible(topic.topic, query.key)]
        least = await self._least_in_sync(visible)
        broker = self._services.snapshot.document()["broker"]

        def build() -> Document:
            return dated(_cluster_document(cluster, list(topics.values()), sizes, broker)) | {
                "troubled": query.table(trouble_rows(cluster, visible, least))
            }

        return await asyncio.to_thread(build)

    async def _least_in_sync(self, topics: list[TopicDescription]) -> Mapping[str, int | None]:
        """min.insync.replicas of the topics that are in trouble."""
        names = [topic.topic for topic in troubled(topics)]
        configs = await optional(self._services.admin.configs(names, timeout_s=TIMEOUT_S)) if names else {}
        values = {name: config.get("min.insync.replicas") for name, config in (configs or {}).items()}
        return {name: None if value is None else int(value) for name, value in values.items()}


def _cluster_document(
    cluster: ClusterDescription, topics: list[TopicDescription], sizes: Any, broker: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "cluster_id": cluster.cluster_id,
        "version": broker["version"],
        "kind": broker["kind"],
        "controller": cluster.controller,
        "brokers": broker_rows(cluster, topics, sizes),
        "down": down_brokers(cluster, topics),
        "partitions": sum(len(topic.partitions) for topic in topics),
    }
