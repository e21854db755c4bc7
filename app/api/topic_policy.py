"""What clients may produce, and where to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple, Protocol

from app.api.keys import ApiKey
from app.api.problems import Refusal
from app.messages import OutgoingMessage

KAFKA_PREFIX = "__"
OWN_PREFIX = "demijohn_"
REMEMBERED = 10_000


class PayloadRules(Protocol):
    """What payloads of a topic must be."""

    def refusal(self, topic: str, payload: Any) -> Refusal | None:
        """Why a payload, as it is stored, may not go into `topic`; None where it may."""


class TopicPolicy:
    """Refuses Kafka's internal topics, those that the service itself writes (DLQs and its reports), and those that
    no pattern of HTTP_TOPICS matches; no patterns match all."""

    def __init__(
        self, own_topics: Iterable[str], patterns: Sequence[str] = (), payloads: PayloadRules | None = None
    ) -> None:
        self._own = frozenset(own_topics)
        self._patterns = tuple(patterns)
        self._payloads = payloads
        self._allowed: set[str] = set()

    def of(self, key: ApiKey | None) -> TopicPolicy | KeyPolicy:
        """The policy for calls with `key`."""
        return self if key is None else KeyPolicy(self, key)

    def refusal_of(self, message: OutgoingMessage) -> Refusal | None:
        """Why a message, its payload as it is stored, may not be produced; None where it may."""
        if self._payloads is None:
            return self.refusal(message.topic)
        return self.refusal(message.topic) or self._payloads.refusal(message.topic, message.payload)

    def refusal(self, topic: str) -> Refusal | None:
        """Why `topic` may not be produced to; None where it may."""
        if topic in self._allowed:
            return None
        if topic.startswith(KAFKA_PREFIX):
            return Refusal("internal_topic", f"{topic} is internal to Kafka")
        if topic in self._own or topic.startswith(OWN_PREFIX):
            return Refusal("topic_forbidden", f"{topic} is written by the service itself only")
        if not self.visible(topic):
            return Refusal("topic_forbidden", f"HTTP_TOPICS does not allow {topic}")
        if len(self._allowed) >= REMEMBERED:
            self._allowed.clear()
        self._allowed.add(topic)
        return None

    def visible(self, topic: str) -> bool:
        """Whether a pattern of HTTP_TOPICS matches the whole name. What instances tell each other is not shown."""
        if topic.startswith(OWN_PREFIX):
            return False
        return not self._patterns or any(fnmatchcase(topic, pattern) for pattern in self._patterns)


class KeyPolicy(NamedTuple):
    """What is allowed to all, as far as one key reaches."""

    for_all: TopicPolicy
    key: ApiKey

    def refusal_of(self, message: OutgoingMessage) -> Refusal | None:
        """Why a message may not be produced with this key; None where it may."""
        return self.refusal(message.topic) or self.for_all.refusal_of(message)

    def refusal(self, topic: str) -> Refusal | None:
        """Why `topic` may not be produced to with this key; None where it may."""
        refusal = self.for_all.refusal(topic)
        if refusal is None and not self.key.may_produce_to(topic):
            return Refusal("topic_forbidden", f"The API key {self.key.name} may not produce to {topic}")
        return refusal


AnyPolicy = TopicPolicy | KeyPolicy
