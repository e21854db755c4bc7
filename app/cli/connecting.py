"""Commands that ask Kafka something: a connection for the time of one command."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

import uvloop

from app.errors import Fault, SettingsInvalid
from app.events import Monitor
from app.kafka.admin.client import KafkaAdmin
from app.kafka.admin.protocol import Admin
from app.kafka.cluster import Cluster
from app.kafka.connection import prepare_aiokafka
from app.kafka.producer_client import open_producer
from app.producer import Producer
from app.settings import Settings, load_settings

T = TypeVar("T")
ANSWER_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 10.0


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs one command's work on the service's kind of loop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(coroutine)


def with_admin(work: Callable[[Admin, Settings], Awaitable[T]]) -> T:
    """What `work` gives; it gets a connection to the brokers that the settings name."""

    async def connected() -> T:
        settings = kafka_settings()
        async with connect_admin(settings) as admin:
            return await work(admin, settings)

    return run(connected())


def kafka_settings() -> Settings:
    """The settings. Raises SettingsInvalid where they name no brokers: an embedded one is the service's alone."""
    settings = load_settings()
    if not settings.kafka_bootstrap_servers:
        remedy = "must name the brokers for this command; the embedded broker's address stands in the service's log"
        raise SettingsInvalid([Fault("KAFKA_BOOTSTRAP_SERVERS", remedy)])
    return settings


@asynccontextmanager
async def connect_admin(settings: Settings) -> AsyncIterator[Admin]:
    """An admin client, closed at the end."""
    prepare_aiokafka()
    cluster = Cluster(settings, settings.kafka_bootstrap_servers, Monitor())
    admin = KafkaAdmin(settings, cluster)
    try:
        yield admin
    finally:
        admin.close()
        await cluster.stop()


@asynccontextmanager
async def connect_cluster(settings: Settings, monitor: Monitor) -> AsyncIterator[Cluster]:
    """The cluster as it is now, and looked at again while it is used. Raises KafkaUnavailable."""
    prepare_aiokafka()
    cluster = Cluster(settings, settings.kafka_bootstrap_servers, monitor)
    try:
        await cluster.refresh(timeout_s=ANSWER_TIMEOUT_S)
        await cluster.start()
        yield cluster
    finally:
        await cluster.stop()


@asynccontextmanager
async def connect_producer(settings: Settings, cluster: Cluster, monitor: Monitor) -> AsyncIterator[Producer]:
    """A producer; at the end what is pending is flushed, within 10 s."""
    producer = Producer(settings, cluster, partial(open_producer, settings, settings.kafka_bootstrap_servers), monitor)
    try:
        yield producer
    finally:
        await producer.close(CLOSE_TIMEOUT_S)
