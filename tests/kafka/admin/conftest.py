"""An admin client of the shared Kafka, and records to find there."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from app.kafka.admin.client import KafkaAdmin
from app.kafka.cluster import Cluster
from app.settings import Settings
from tests.kafka.doubles import Remembering, settings_of

MakeAdmin = Callable[..., KafkaAdmin]


@pytest.fixture
async def make_admin() -> AsyncIterator[MakeAdmin]:
    """Makes admin clients: `make_admin(servers)`. They are closed at the end."""
    made: list[tuple[KafkaAdmin, Cluster]] = []

    def make(servers: str, settings: Settings | None = None) -> KafkaAdmin:
        settings = settings or settings_of(servers)
        cluster = Cluster(settings, servers, Remembering().monitor)
        made.append((KafkaAdmin(settings, cluster), cluster))
        return made[-1][0]

    yield make
    for admin, cluster in made:
        admin.close()
        await cluster.stop()


def new_name(prefix: str = "t") -> str:
    """A name that nobody has used."""
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


NewName = Callable[..., Awaitable[str]]
