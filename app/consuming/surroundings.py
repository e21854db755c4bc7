"""What every group of the process uses."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from app.consuming.clock import Clock
from app.consuming.context import Crisis
from app.consuming.instances import Instances
from app.consuming.threads import ThreadPool
from app.events import Monitor
from app.kafka.protocols import ClusterView, ConsumerOpener
from app.producer import Producer
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Built once for a routing table."""

    settings: Settings
    cluster: ClusterView
    open_consumer: ConsumerOpener
    producer: Producer
    monitor: Monitor
    slots: asyncio.Semaphore
    threads: ThreadPool
    instances: Instances
    clock: Clock
    crisis: Crisis
    excluded: frozenset[str]
    """DLQ topics of the table: no pattern takes them."""
