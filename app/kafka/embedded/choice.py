"""Which broker to embed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

from app.errors import EmbeddedBrokerError
from app.kafka.embedded.apache import ApacheCluster, node_options
from app.kafka.embedded.jars import DEFAULT_DIRECTORY
from app.kafka.embedded.mock import MockBroker
from app.settings import Settings


class EmbeddedBroker(Protocol):
    """A broker that lives and dies with the service."""

    @property
    def kind(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def bootstrap_servers(self) -> str: ...
    def consumer_settings(self, settings: Settings) -> Mapping[str, Any]:
        """Fields of the settings that consumers of this broker must have, or had better have, otherwise."""

    async def start(self, timeout_s: float = ...) -> None: ...
    async def stop(self, timeout_s: float = ...) -> None: ...


def embedded_broker(settings: Settings) -> ApacheCluster | MockBroker | None:
    """The broker that the settings ask for; None where they name others. Raises EmbeddedBrokerError."""
    if not settings.embedded:
        return None
    if settings.kafka_embedded == "off":
        raise EmbeddedBrokerError("KAFKA_EMBEDDED is off and KAFKA_BOOTSTRAP_SERVERS is empty")
    return choose_embedded(settings.kafka_embedded)


def choose_embedded(
    kind: Literal["auto", "apache", "mock"], root: Path = DEFAULT_DIRECTORY
) -> ApacheCluster | MockBroker:
    """The broker to embed; `auto` takes Apache Kafka where Java and the jars are there, else the mock.

    Nothing is downloaded. Raises EmbeddedBrokerError where the kind that was asked for cannot be had.
    """
    if kind == "mock":
        return MockBroker()
    try:
        return ApacheCluster(root / "kafka", options=node_options(root))
    except EmbeddedBrokerError:
        if kind == "apache":
            raise
        return MockBroker()


def client_settings(settings: Settings, embedded: EmbeddedBroker | None) -> Settings:
    """What clients of groups and the view of the cluster go by: an embedded broker has a say in it."""
    return settings if embedded is None else settings.model_copy(update=dict(embedded.consumer_settings(settings)))
