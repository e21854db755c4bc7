"""The life of the service, its broker and its load."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from app.events.monitor import Event

State = Literal["initializing", "starting", "running", "quieting", "quiet", "stopping", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class ServiceStateChanged(Event):
    """The service took a step forward in its life. Fires once for each state."""

    state: State
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class WarningRaised(Event):
    """Something is not as it should be, and nobody can be told but the operator."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class EmbeddedBrokerStarted(Event):
    """The service runs its own broker. `description` says which, and what it keeps."""

    kind: str
    bootstrap_servers: str
    description: str


@dataclass(frozen=True, slots=True)
class BrokerReachable(Event):
    """Kafka answers again, or for the first time. Fires once for each change."""

    brokers: int


@dataclass(frozen=True, slots=True)
class BrokerUnreachable(Event):
    """Kafka does not answer. Fires once for each change."""

    reason: str


@dataclass(frozen=True, slots=True)
class TopicCreated(Event):
    """The service created a topic of its table."""

    topic: str
    partitions: int


@dataclass(frozen=True, slots=True)
class ErrorOccurred(Event):
    """Something failed. `kind` is area.place (`consumer.consume`, `producer.deliver`, `commit` …)."""

    kind: str
    error: BaseException
    group: str | None = None
    topic: str | None = None
    partition: int | None = None
    first_offset: int | None = None
    last_offset: int | None = None
    attempt: int | None = None
    consumer: str | None = None


@dataclass(frozen=True, slots=True)
class LoopLagMeasured(Event):
    """How late the event loop was with its timers since the last time. Fires about once a second.

    `lag_ms` is the longest delay, `samples_ms` are those of all timers, 20 a second.
    """

    lag_ms: float
    samples_ms: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Culprit:
    """Who held the event loop. `place` is file:line of the code that did; consumer and partition where it was one's."""

    place: str
    consumer: str | None = None
    topic: str | None = None
    partition: int | None = None

    def __str__(self) -> str:
        if self.consumer is None:
            return self.place
        at = "" if self.topic is None else f" on {self.topic}-{self.partition}"
        return f"{self.consumer}{at} ({self.place})"


@dataclass(frozen=True, slots=True)
class LoopBlocked(Event):
    """The event loop did not turn for a second or more. Fires once for each block, when it is over.

    `culprit` is None where none was seen: then the whole process was stopped, or had no processor.
    """

    blocked_ms: float
    culprit: Culprit | None


@dataclass(frozen=True, slots=True)
class LoopStuck(Event):
    """The event loop has not turned for five seconds, and still does not. Fires once for each such block.

    Emitted by a thread of its own: its handlers may touch nothing that belongs to the loop.
    """

    blocked_ms: float
    culprit: Culprit | None


@dataclass(frozen=True, slots=True)
class RequestRefused(Event):
    """The HTTP side refused a request because of load, state or what the caller may do.

    `code` is one of `queue_full`, `overloaded`, `draining`, `rate_limited`, `unauthorized`, `forbidden`.
    """

    code: str


@dataclass(frozen=True, slots=True)
class ApiKeysLoaded(Event):
    """The file of API keys has changed and was read again; so many keys are in force."""

    path: str
    keys: int


@dataclass(frozen=True, slots=True)
class OperatorActed(Event):
    """Somebody acted from the dashboard, or tried to and could not: `outcome` is `done`, `refused` or `failed`.

    `by` is the name of an API key, or `operator@` and an address; `action` what was wanted (`partitions.pause`) and
    `target` what it was to be done to, in words; `detail` what came of it. Fires once for each action that changes
    something, on the instance that was asked.
    """

    by: str
    action: str
    target: str
    outcome: Literal["done", "refused", "failed"]
    detail: str = ""


@dataclass(frozen=True, slots=True)
class RedriveBegun(Event):
    """An operator (`by`) sends dead letters of a DLQ back."""

    id: str
    topic: str
    by: str
    dry_run: bool


@dataclass(frozen=True, slots=True)
class RedriveEnded(Event):
    """A redrive is over: `skipped` had been redriven before; `detail` says why it, or the first message, failed."""

    id: str
    topic: str
    state: Literal["done", "cancelled", "failed"]
    done: int
    skipped: int
    failed: int
    dry_run: bool
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class CommandExecuted(Event):
    """A command of an operator that came through the instance `sender` was executed here, or refused."""

    name: str
    by: str
    sender: str
    outcome: Literal["done", "refused", "failed", "no_answer"]
    detail: str = ""


@dataclass(frozen=True, slots=True)
class FleetChanged(Event):
    """All instances are seen from here, or this one only: `why_off` says why. Fires once for each change."""

    why_off: str | None
