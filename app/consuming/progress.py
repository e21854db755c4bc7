"""What of the batch at hand is done, also out of line: a record given up alone, a lane that was quicker."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.consuming.offsets import OffsetLedger
from app.messages import Record, TopicPartition


class Progress:
    """Keeps one assignment (`epoch`) of one partition; what is committed never goes past a record that is not done."""

    def __init__(self, partition: TopicPartition, epoch: int, ledger: OffsetLedger) -> None:
        self._partition = partition
        self._epoch = epoch
        self._ledger = ledger
        self._records: Sequence[Record] = ()
        self._frontier = 0
        self._done: set[int] = set()

    def begin(self, records: Sequence[Record]) -> None:
        """A new batch: everything before it has been dealt with."""
        self._records = records
        self._frontier = 0
        self._done.clear()

    def done_up_to(self, offset: int) -> bool:
        """Everything up to and including `offset` is done. False where the partition was lost."""
        return self._ledger.mark(self._partition, self._epoch, offset + 1)

    def done(self, offsets: Iterable[int]) -> bool:
        """These records are done, and nothing is said of others. False where the partition was lost."""
        self._done.update(offsets)
        first, marked = self._frontier, self.marked
        while self._frontier < len(self._records) and self._is_done(self._records[self._frontier].offset, marked):
            self._frontier += 1
        if self._frontier > first:
            return self.done_up_to(self._records[self._frontier - 1].offset)
        return self._ledger.owns(self._partition, self._epoch)

    def remaining(self, records: Iterable[Record]) -> list[Record]:
        """Those of `records` that are not done."""
        marked = self.marked
        return [record for record in records if not self._is_done(record.offset, marked)]

    @property
    def marked(self) -> int:
        """The offset before which everything is done; 0 where nothing is known to be."""
        return self._ledger.marked(self._partition) or 0

    def _is_done(self, offset: int, marked: int) -> bool:
        return offset < marked or offset in self._done
