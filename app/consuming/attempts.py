"""Failed attempts of partitions, remembered over rebalances and clients, but not for ever."""

from __future__ import annotations

from typing import NamedTuple

from app.messages import TopicPartition

MOST_PARTITIONS = 10_000


class Failing(NamedTuple):
    """How often the first unmarked record of a partition has failed, and when (of the clock) it may be run again."""

    offset: int
    attempts: int
    again_at: float = 0.0


class Attempts(dict[TopicPartition, Failing]):
    """What is failing, by partition. Of more than 10,000 that which failed longest ago is forgotten:
    topics of a pattern may come and go without end."""

    def __setitem__(self, partition: TopicPartition, failed: Failing) -> None:
        self.pop(partition, None)
        super().__setitem__(partition, failed)
        if len(self) > MOST_PARTITIONS:
            del self[next(iter(self))]
