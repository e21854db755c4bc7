"""Failed attempts of partitions, remembered over rebalances and clients, but not for ever."""

from __future__ import annotations

from app.messages import TopicPartition

MOST_PARTITIONS = 10_000


class Attempts(dict[TopicPartition, tuple[int, int]]):
    """(first unmarked offset, attempts) by partition. Of more than 10,000 that which failed longest ago is forgotten:
    topics of a pattern may come and go without end."""

    def __setitem__(self, partition: TopicPartition, failed: tuple[int, int]) -> None:
        self.pop(partition, None)
        super().__setitem__(partition, failed)
        if len(self) > MOST_PARTITIONS:
            del self[next(iter(self))]
