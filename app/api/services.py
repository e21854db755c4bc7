"""What the HTTP side is given of the service. Built once, by the composition root."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from app.api.receipts import Receipts
from app.events import Monitor, State
from app.exploring.explorer import Explorer
from app.fleet.view import FleetView
from app.kafka.admin.protocol import Admin
from app.kafka.protocols import TopicView
from app.observing.reasons import Note, Reason
from app.observing.snapshot import Snapshot
from app.producer import Producer
from app.routes.table import RoutingTable
from app.settings import Settings


class RuntimeView(Protocol):
    """What the consuming side says of itself."""

    def ready_reasons(self) -> Sequence[Reason]:
        """Why it is not ready; none: every group has joined once and works."""

    def live_reasons(self) -> Sequence[Reason]:
        """Which groups are beyond repair."""

    def notes(self) -> Sequence[Note]: ...


class StateView(Protocol):
    """Where the service stands in its life."""

    @property
    def state(self) -> State: ...
    @property
    def draining(self) -> bool: ...


class MetricsView(Protocol):
    """Counts requests, and writes everything that was counted."""

    def request_answered(self, route: str, method: str, status: int, seconds: float) -> None: ...
    def exposition(self, accept: str) -> tuple[bytes, str]:
        """(text, content type) in the format that the Accept header asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything that a route may use."""

    instance: str
    settings: Settings
    table: RoutingTable
    monitor: Monitor
    state: StateView
    cluster: TopicView
    producer: Producer
    runtime: RuntimeView
    receipts: Receipts
    snapshot: Snapshot
    fleet: FleetView
    metrics: MetricsView
    admin: Admin
    explorer: Explorer
