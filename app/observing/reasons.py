"""What the service says of itself: reasons why something is not in order, and notes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.kafka.protocols import ClusterView


class Reason(Protocol):
    """Why something is not as it should be. `since` is aware, UTC; None: not known."""

    @property
    def code(self) -> str: ...
    @property
    def detail(self) -> str: ...
    @property
    def since(self) -> datetime | None: ...


class Note(Protocol):
    """Something worth knowing that is in order."""

    @property
    def code(self) -> str: ...
    @property
    def detail(self) -> str: ...


class ProducerGauges(Protocol):
    """What a producer can say of itself at once."""

    @property
    def in_flight(self) -> int: ...
    @property
    def queue_messages(self) -> int: ...
    @property
    def queue_bytes(self) -> int: ...
    @property
    def queue_oldest_s(self) -> float | None: ...


class RuntimeNotes(Protocol):
    """What the consuming side says of itself at once."""

    def ready_reasons(self) -> Sequence[Reason]: ...
    def notes(self) -> Sequence[Note]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What is read at the moment a document is made, because no event tells it. None of it waits."""

    instance: str
    cluster: ClusterView
    producer: ProducerGauges
    runtime: RuntimeNotes
    receipts: Callable[[], Mapping[str, int]]
    instances: Callable[[], int] = lambda: 1
    """How many instances of the service live, this one included."""
