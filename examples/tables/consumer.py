"""Counts messages by key, and keeps the counts in Kafka."""

from __future__ import annotations

from collections import Counter

from app.consumer import Consumer

COUNTS_TOPIC = "table_counts"


class CountsConsumer(Consumer):
    """Counts the rows of its partition by key. All rows of a key are in one partition, so its counts are whole.

    After each batch the new counts of the keys in it go to `table_counts`. The batch counts as done when Kafka has
    them: after a failure it is counted again from where it began.
    """

    async def initialized(self) -> None:
        self.counts: Counter[str] = Counter()

    async def consume(self) -> None:
        new = Counter(str(message.key) for message in self.messages)
        counts = self.counts + new
        await self.producer.produce_many_sync(
            {"topic": COUNTS_TOPIC, "key": f"{self.topic}/{key}", "payload": counts[key]} for key in new
        )
        self.counts = counts


class ShowConsumer(Consumer):
    """Logs counts as they change."""

    async def consume(self) -> None:
        latest = {message.key: message.payload for message in self.messages}
        self.log.info("%s", ", ".join(f"{key}: {count}" for key, count in latest.items()))
