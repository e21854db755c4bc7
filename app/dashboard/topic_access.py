"""Which topics a caller sees, and of which nobody sees what is in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from app.api.keys import ApiKey
from app.api.problems import Refusal
from app.api.topic_policy import KAFKA_PREFIX
from app.settings import Settings, listed


class TopicAccess(NamedTuple):
    """`masked_patterns` are those of DASHBOARD_MASKED_TOPICS."""

    masked_patterns: Sequence[str] = ()

    def visible(self, topic: str, key: ApiKey | None) -> bool:
        """Whether a caller with `key` sees the topic: without keys everybody sees all."""
        return key is None or key.may_produce_to(topic)

    def masked(self, topic: str) -> bool:
        """Whether nothing but sizes is shown of its messages."""
        return any(fnmatchcase(topic, pattern) for pattern in self.masked_patterns)

    def check(self, topic: str, key: ApiKey | None, exists: Callable[[str], bool]) -> None:
        """Raises Refusal `unknown_topic`, the same whether there is no such topic or the key does not reach it."""
        if not exists(topic) or not self.visible(topic, key):
            raise Refusal("unknown_topic", f"There is no topic {topic}")

    def check_messages(self, topic: str, key: ApiKey | None, exists: Callable[[str], bool]) -> None:
        """As `check`; and Refusal `internal_topic`, as what Kafka keeps for itself is not for reading."""
        self.check(topic, key, exists)
        if topic.startswith(KAFKA_PREFIX):
            raise Refusal("internal_topic", f"{topic} is internal to Kafka: its messages are not shown")


def topic_access(settings: Settings) -> TopicAccess:
    """As the settings say."""
    return TopicAccess(tuple(listed(settings.dashboard_masked_topics)))
