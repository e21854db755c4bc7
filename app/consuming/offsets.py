"""What is done and what is committed, for every assigned partition of a group. Pure bookkeeping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.messages import TopicPartition


@dataclass(slots=True)
class PartitionOffsets:
    """One assignment of one partition. All offsets are of the next record; None is not known."""

    epoch: int
    committed: int | None = None
    marked: int | None = None
    rewound: bool = False


class OffsetLedger:
    """Marks go forward but for a seek; an epoch that has passed marks nothing; only what was marked is committed."""

    def __init__(self) -> None:
        self._partitions: dict[TopicPartition, PartitionOffsets] = {}

    def assign(self, partition: TopicPartition, epoch: int, committed: int | None) -> None:
        """`partition` came, in assignment `epoch`."""
        self._partitions[partition] = PartitionOffsets(epoch, committed)

    def revoke(self, partition: TopicPartition) -> None:
        """`partition` has gone: nothing is marked or committed for it any more."""
        self._partitions.pop(partition, None)

    def owns(self, partition: TopicPartition, epoch: int) -> bool:
        """Whether `partition` is assigned, and still in assignment `epoch`."""
        entry = self._partitions.get(partition)
        return entry is not None and entry.epoch == epoch

    def mark(self, partition: TopicPartition, epoch: int, next_offset: int) -> bool:
        """Everything before `next_offset` is done. False where the assignment `epoch` has passed."""
        entry = self._partitions.get(partition)
        if entry is None or entry.epoch != epoch:
            return False
        if entry.marked is None or next_offset > entry.marked:
            entry.marked = next_offset
        return True

    def rewind(self, partition: TopicPartition, offset: int) -> None:
        """A seek: everything before `offset` counts as done and nothing behind it, whatever was marked before; the next
        commit may go backwards."""
        if entry := self._partitions.get(partition):
            entry.marked = offset
            entry.rewound = True

    def marked(self, partition: TopicPartition) -> int | None:
        entry = self._partitions.get(partition)
        return None if entry is None else entry.marked

    def committed(self, partition: TopicPartition) -> int | None:
        entry = self._partitions.get(partition)
        return None if entry is None else entry.committed

    def to_commit(self) -> dict[TopicPartition, int]:
        """What is marked and not committed; less than what is committed only after a seek."""
        return {
            partition: entry.marked
            for partition, entry in self._partitions.items()
            if entry.marked is not None
            and (
                entry.committed is None
                or entry.marked > entry.committed
                or (entry.rewound and entry.marked != entry.committed)
            )
        }

    def settle(self, offsets: Mapping[TopicPartition, int]) -> None:
        """These offsets have been committed."""
        for partition, offset in offsets.items():
            if entry := self._partitions.get(partition):
                entry.committed = offset
                entry.rewound = entry.rewound and entry.marked != offset
