"""Opens the fleet, or what stands for it where this instance is alone by its settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.events import Monitor
from app.fleet.alone import Alone
from app.fleet.fleet import Clients, Fleet
from app.fleet.telling import Local
from app.kafka.cluster import Cluster
from app.kafka.consumer_client import AiokafkaConsumer
from app.kafka.producer_client import open_producer
from app.kafka.protocols import AssignmentListener, ClientOptions, ConsumerClient, ProducerClient
from app.kafka.topic_reader import TopicReader
from app.messages import TopicPartition
from app.settings import Settings

MEMBER: Mapping[str, Any] = {
    "consumer_instance_id": None,
    "consumer_session_timeout_ms": 10_000,
    "consumer_heartbeat_ms": 3000,
    "consumer_rebalance_timeout_ms": 10_000,
    "consumer_assignor": "range",
    "consumer_isolation_level": "read_uncommitted",
}
"""Of the group that folds: another instance takes over within 15 s of the death of the one that did."""


def open_fleet(settings: Settings, local: Local, cluster: Cluster, monitor: Monitor) -> Fleet | Alone:
    """Not started yet. Its clients go where `cluster` goes."""
    if why_alone := _why_alone(settings):
        return Alone(local.instance, why_alone, local.here, local.owns, monitor)
    return Fleet(settings, local, cluster, _clients(settings, cluster), monitor)


def _why_alone(settings: Settings) -> str | None:
    if settings.fleet == "off":
        return "FLEET is off"
    if settings.embedded:
        return "the embedded broker belongs to this instance alone"
    if settings.producer_client != "kafka":
        return f"PRODUCER_CLIENT is {settings.producer_client}"
    return None


def _clients(settings: Settings, cluster: Cluster) -> Clients:
    member = settings.model_copy(update=dict(MEMBER))

    def open_reader(starts: Mapping[TopicPartition, int | None]) -> TopicReader:
        return TopicReader(settings, cluster.bootstrap_servers, starts)

    def open_member(group: str, topics: Sequence[str], listener: AssignmentListener) -> ConsumerClient:
        return AiokafkaConsumer(member, cluster.bootstrap_servers, group, topics, listener)

    async def open_writer(options: ClientOptions) -> ProducerClient:
        return await open_producer(settings, cluster.bootstrap_servers, options)

    return Clients(open_reader, open_member, open_writer)
