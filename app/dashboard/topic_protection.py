"""Topics that nobody changes from the dashboard."""

from __future__ import annotations

from app.api.problems import Refusal
from app.api.topic_policy import KAFKA_PREFIX, OWN_PREFIX
from app.routes.table import RoutingTable


class TopicProtection:
    """Knows which topics are Kafka's, which the service writes, and which it reads by name."""

    def __init__(self, table: RoutingTable, async_dlq: str) -> None:
        self._read = table.plain_topics()
        self._dlqs = table.dead_letter_topics() | ({async_dlq} - {""})

    def check_writable(self, topic: str) -> None:
        """Raises Refusal: internal_topic, topic_forbidden."""
        if topic.startswith(KAFKA_PREFIX):
            raise Refusal("internal_topic", f"{topic} is internal to Kafka")
        if topic.startswith(OWN_PREFIX):
            raise Refusal("topic_forbidden", f"{topic}: names with {OWN_PREFIX} are the service's own")

    def check_producible(self, topic: str) -> None:
        """Raises Refusal as `check_writable`, of DLQs too: what stands there says where it failed."""
        self.check_writable(topic)
        if topic in self._dlqs:
            raise Refusal("topic_forbidden", f"{topic} takes this service's dead letters: choose another topic")

    def check_deletable(self, topic: str) -> None:
        """Raises Refusal, besides those of `check_writable`: conflict."""
        self.check_writable(topic)
        if topic in self._read:
            raise Refusal("conflict", f"The routing table consumes {topic}: take it out of the table first")
        if topic in self._dlqs:
            raise Refusal("conflict", f"{topic} takes this service's dead letters: name another DLQ first")
