"""The topics that a group has met, told apart by their ids."""

from __future__ import annotations

from collections.abc import Iterable

from app.kafka.protocols import ClusterView


class KnownTopics:
    """Remembers ids over assignments and clients, of the topics that are asked about only."""

    def __init__(self) -> None:
        self._ids: dict[str, bytes] = {}

    def made_anew(self, cluster: ClusterView, topics: Iterable[str]) -> set[str]:
        """Those of `topics` that are not what they were when they were met: deleted, and created again. They are named
        again and again until they have been `met`."""
        asked = list(topics)
        ids = {topic: self._ids.get(topic) or cluster.topic_id(topic) for topic in asked}
        self._ids = {topic: known for topic, known in ids.items() if known is not None}
        return {topic for topic in asked if self.is_another(cluster, topic)}

    def is_another(self, cluster: ClusterView, topic: str) -> bool:
        """Whether `topic` is not the one that was met. Brokers that give topics no ids (before Kafka 2.8) do not
        tell."""
        before, now = self._ids.get(topic), cluster.topic_id(topic)
        return before is not None and now is not None and before != now

    def met(self, cluster: ClusterView, topics: Iterable[str]) -> None:
        """What `topics` are now is what they are."""
        for topic in topics:
            if (now := cluster.topic_id(topic)) is not None:
                self._ids[topic] = now
