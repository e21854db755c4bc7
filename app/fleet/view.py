"""What the dashboard and the actions of operators see of the fleet: all instances that share its topics.

The same shape stands for one instance alone, where there is no fleet: `why_off` says why.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol

Row = Mapping[str, Any]
"""A row of a table of the dashboard, as JSON values."""
Range = Literal["5m", "1h", "24h", "7d"]
Outcome = Literal["done", "refused", "failed", "no_answer"]
ANSWER_WITHIN_S = 10.0
"""A command that was not answered for so long counts as not answered: `no_answer`."""


@dataclass(frozen=True, slots=True)
class Report:
    """One instance as it last told of itself.

    `about` has the other members of its row in the table of instances (host, state, uptime_s ...); `groups` are those
    of the snapshot without partitions; `partitions()` has the rows of all groups, each naming its group, and may cost
    some milliseconds. `gone`: it has been silent for too long.
    """

    instance: str
    this: bool
    seen_at: datetime
    gone: bool
    about: Row
    groups: Sequence[Row]
    jobs: Sequence[Row]
    partitions: Callable[[], Sequence[Row]]


class Owner(NamedTuple):
    """Whichever instance has this partition in this group."""

    group: str
    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Command:
    """What an operator (`by`) wants done: `name` is a verb (`quiet`, `seek` ...), `arguments` are JSON values."""

    name: str
    by: str
    arguments: Row = field(default_factory=dict)
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a command. `instance` is the one that answered. `result` are JSON values, `detail` says why it was
    refused or failed. With `no_answer` it may have been done all the same."""

    command: str
    outcome: Outcome
    instance: str | None = None
    detail: str | None = None
    result: Row = field(default_factory=dict)


Execute = Callable[[Command], Awaitable[Row]]
"""Does what a command says at this instance and gives the result. Raises CommandRefused."""
Watch = Callable[[str, Row | None], None]
"""Told of a key and its value whenever that changes; None: it was forgotten."""


class FleetView(Protocol):
    """All instances, as this one knows them. Only `send` waits, and is bounded."""

    @property
    def why_off(self) -> str | None:
        """Why only this instance is seen; None while all are."""

    @property
    def size(self) -> int:
        """How many instances live, this one included."""

    def instances(self) -> Sequence[Report]:
        """This one first."""

    def history(self, span: Range) -> Row | None:
        """The document of the fleet's history; None where there is none: the instance's own stands for it then."""

    def errors(self) -> Sequence[Row]:
        """Errors of the other instances, grouped by class and place, each with its `traceback`, `offsets` and
        `attempts`."""

    async def send(self, to: str | Owner, command: Command) -> Answer:
        """Has `command` executed at one instance, at most once, and waits ANSWER_WITHIN_S for what came of it."""

    def serve(self, name: str, execute: Execute) -> None:
        """From now on commands of this name that reach this instance are executed by `execute`."""
