"""What of the batch at hand is done, also out of line: a record given up alone, a lane that was quicker."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from app.consuming.offsets import OffsetLedger
from app.errors import MessageFailed
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
        self._lane_of: dict[int, int] = {}
        self._held: dict[int, int] = {}
        self._released = 0

    def begin(self, records: Sequence[Record]) -> None:
        """A new batch. Whatever lanes have not marked of the last one holds the mark until they mark something behind
        it."""
        if self._lane_of:
            for record in self.remaining(self._records):
                self._held.setdefault(self._lane_of.get(record.offset, 0), record.offset)
            self._lane_of.clear()
        self._records = records
        self._frontier = self._released = 0
        self._done.clear()

    def in_lanes(self, lanes: Sequence[Sequence[Record]]) -> None:
        """The batch is run in lanes."""
        self._lane_of = {record.offset: index for index, lane in enumerate(lanes) for record in lane}

    def done_up_to(self, offset: int) -> bool:
        """Everything up to and including `offset` is done. False where the partition was lost."""
        self._held.clear()
        return self._ledger.mark(self._partition, self._epoch, offset + 1)

    def lane_done_up_to(self, lane: int, offset: int) -> bool:
        """Everything of this lane up to and including `offset` is done. False where the partition was lost."""
        own = [other for other, index in self._lane_of.items() if index == lane and other <= offset]
        if own and self._held.pop(lane, None) is not None and not self._held:
            self._released = self._records[0].offset
        return self.done(own)

    def done(self, offsets: Iterable[int]) -> bool:
        """These records are done, and nothing is said of others. False where the partition was lost."""
        self._done.update(offsets)
        marked = self.marked
        while self._frontier < len(self._records) and self._is_done(self._records[self._frontier].offset, marked):
            self._frontier += 1
        done_before = self._records[self._frontier - 1].offset + 1 if self._frontier else self._released
        contiguous = min([done_before, *self._held.values()])
        if contiguous > marked:
            return self._ledger.mark(self._partition, self._epoch, contiguous)
        return self._ledger.owns(self._partition, self._epoch)

    def done_with(self, offset: int) -> int:
        """The offset before which everything would be done if this record were, too."""
        marked, frontier = self.marked, self._frontier
        while frontier < len(self._records):
            at = self._records[frontier].offset
            if at != offset and not self._is_done(at, marked):
                break
            frontier += 1
        done_before = self._records[frontier - 1].offset + 1 if frontier else self._released
        return max(marked, min([done_before, *self._held.values()]))

    def failed(self, error: BaseException, records: Iterable[Record]) -> None:
        """A run of `records` has failed; an error that names one of them says that those before it are done."""
        if isinstance(error, MessageFailed):
            self.done(record.offset for record in records if record.offset < error.message.offset)

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
