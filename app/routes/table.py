"""The routing table as data: what `Routes` builds and everything else reads. Frozen and comparable."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from app.consumer import Consumer
from app.messages import Message
from app.routes.strategies import Strategy
from app.serialization import DEFAULT_DESERIALIZERS, Deserializers

InitialOffset = Literal["earliest", "latest"]
INTERNAL_TOPIC_PREFIXES = ("__", "demijohn_")
"""Topics of Kafka and of this service: no pattern ever takes them."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Where messages go that keep failing.

    `topic`: the DLQ topic, None to skip them (counted). `max_retries`: attempts after the first, 0 for none.
    `isolate`: the rest of the failed batch is given one message at a time, so that only the guilty one goes;
    False: the first unmarked message goes. `batch`: the whole of the failed batch that is not marked goes.
    `strategy`: decides on every failure instead of `max_retries`. `transactional`: the message is stored there and its
    source offset committed in one transaction, so that it is there exactly once.
    """

    topic: str | None
    max_retries: int = 3
    isolate: bool = True
    batch: bool = False
    strategy: Strategy | None = None
    transactional: bool = False


@dataclass(frozen=True, slots=True)
class Backoff:
    """The pause after a failure: `pause_ms`, doubled with each attempt if `exponential`, at most `max_ms`."""

    pause_ms: int = 1000
    max_ms: int = 30_000
    exponential: bool = True

    def delay_ms(self, attempt: int) -> int:
        """Milliseconds to wait after failed attempt number `attempt` (1-based)."""
        if not self.exponential:
            return min(self.pause_ms, self.max_ms)
        doublings = min(attempt, 40)  # more would only make the integer larger, never the pause
        return min(self.pause_ms << doublings, self.max_ms)


@dataclass(frozen=True, slots=True)
class Keyed:
    """A partition's batch is run in `workers` lanes side by side, each with a consumer object of its own.

    `by`: messages of one key stay in order, in the same lane: `"key"`, or a callable from a `Message` to anything
    hashable. Messages without a key (None) are spread evenly.
    """

    by: Literal["key"] | Callable[[Message], Hashable] = "key"
    workers: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One line of the table: a topic, or a pattern of topic names, and how it is consumed.

    Exactly one of `topic` and `pattern` is set. Times are in milliseconds.
    """

    topic: str | None
    pattern: re.Pattern[str] | None
    name: str
    consumer: type[Consumer]
    group: str
    max_messages: int
    min_messages: int
    max_wait_ms: int
    initial_offset: InitialOffset
    manual_offsets: bool
    dead_letter: DeadLetter | None
    backoff: Backoff
    keyed: Keyed | None = None
    deserializers: Deserializers = DEFAULT_DESERIALIZERS
    active: bool = True

    def matches(self, topic: str) -> bool:
        """Whether this line takes `topic`: a plain name is equal, a pattern matches the whole name."""
        if self.pattern is None:
            return topic == self.topic
        return self.pattern.fullmatch(topic) is not None

    @property
    def source(self) -> str:
        """The topic's name or the pattern's text."""
        return self.topic if self.topic is not None else f"/{self.pattern.pattern if self.pattern else ''}/"


@dataclass(frozen=True, slots=True)
class Group:
    """One consumer group: its `name` is Kafka's `group.id` literally."""

    name: str
    subscriptions: tuple[Subscription, ...]

    @property
    def plain_topics(self) -> tuple[str, ...]:
        """Topics that are named, not matched, in drawn order."""
        return tuple(line.topic for line in self._active() if line.topic is not None)

    @property
    def active(self) -> bool:
        """Whether any of its lines is."""
        return any(line.active for line in self.subscriptions)

    @property
    def has_patterns(self) -> bool:
        return any(line.pattern is not None for line in self._active())

    def _active(self) -> Iterator[Subscription]:
        return (line for line in self.subscriptions if line.active)

    def resolve(self, existing: Iterable[str], excluded: frozenset[str]) -> dict[str, Subscription]:
        """Which line takes which of the `existing` topics.

        Named topics win over patterns, then the pattern drawn first. Patterns never take internal topics nor
        the `excluded` ones (the table's own DLQs).
        """
        resolved: dict[str, Subscription] = {}
        for topic in sorted(existing):
            if line := self._line_for(topic, topic in excluded):
                resolved[topic] = line
        return resolved

    def _line_for(self, topic: str, excluded: bool) -> Subscription | None:
        matching = [line for line in self._active() if line.matches(topic)]
        named = [line for line in matching if line.topic is not None]
        if named:
            return named[0]
        if excluded or topic.startswith(INTERNAL_TOPIC_PREFIXES):
            return None
        return matching[0] if matching else None


@dataclass(frozen=True, slots=True)
class RoutingTable:
    """The whole table, groups in drawn order."""

    groups: tuple[Group, ...]

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        return tuple(line for group in self.groups for line in group.subscriptions)

    def dead_letter_topics(self) -> frozenset[str]:
        """The DLQ topics that the table names."""
        return frozenset(
            line.dead_letter.topic for line in self.subscriptions if line.dead_letter and line.dead_letter.topic
        )

    def plain_topics(self) -> frozenset[str]:
        """Every topic that the table names as a source."""
        return frozenset(topic for group in self.groups for topic in group.plain_topics)
