"""The records of a redrive, in order for each partition: some by their offsets, or all up to where the end was."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from app.errors import KafkaUnavailable
from app.kafka.protocols import PartitionReader
from app.messages import Record, TopicPartition
from app.redriving.memory import OpenReader

WAIT_S = 0.2
SILENCE_S = 30.0
"""A partition that gives nothing for so long cannot be read."""
GAP = 1000
"""Picked offsets that are nearer to each other are read through, others sought."""


@dataclass(frozen=True, slots=True)
class Picked:
    """Some records; `missing` of those that were wanted are not there (any more)."""

    records: Sequence[Record]
    missing: int = 0


async def pick_all(open_reader: OpenReader, topic: str, partitions: int, most: int) -> AsyncGenerator[Picked, None]:
    """Every record up to the end as of now. Raises KafkaUnavailable."""
    reader = open_reader({TopicPartition(topic, number): None for number in range(partitions)})
    try:
        await reader.start()
        ends = reader.ends
        patience = Patience()
        while not reader.caught_up():
            records = await reader.read(most, WAIT_S)
            patience.check(reader, ends)
            within = [record for record in records if record.offset < ends[TopicPartition(topic, record.partition)]]
            if within:
                yield Picked(within)
    finally:
        await reader.stop(1)


async def pick(
    open_reader: OpenReader, topic: str, wanted: Mapping[int, Sequence[int]], most: int
) -> AsyncGenerator[Picked, None]:
    """The records at these offsets. Raises KafkaUnavailable."""
    for partition, offsets in sorted(wanted.items()):
        at = TopicPartition(topic, partition)
        for run in runs(sorted(set(offsets))):
            async for picked in _pick_run(open_reader({at: run[0]}), at, run, most):
                yield picked


async def _pick_run(
    reader: PartitionReader, at: TopicPartition, run: Sequence[int], most: int
) -> AsyncGenerator[Picked, None]:
    left = set(run)
    try:
        await reader.start()
        end = min(reader.ends[at], run[-1] + 1)
        patience = Patience()
        while reader.position(at) < end:
            records = await reader.read(most, WAIT_S)
            patience.check(reader, {at: end})
            found = [record for record in records if record.offset in left]
            left -= {record.offset for record in found}
            if found:
                yield Picked(found)
        if left:
            yield Picked((), len(left))
    finally:
        await reader.stop(1)


class Patience:
    """Ends with those who wait for a partition that cannot be read."""

    def __init__(self) -> None:
        self._seen: list[int] = []
        self._since = time.monotonic()

    def check(self, reader: PartitionReader, ends: Mapping[TopicPartition, int]) -> None:
        """Raises KafkaUnavailable where nothing has moved for too long."""
        now, seen = time.monotonic(), [reader.position(at) for at in ends]
        if seen != self._seen:
            self._seen, self._since = seen, now
        elif now - self._since > SILENCE_S:
            stuck = ", ".join(str(at) for at, end in ends.items() if reader.position(at) < end)
            raise KafkaUnavailable(f"{stuck} gave nothing for {SILENCE_S:g} s")


def runs(offsets: Sequence[int]) -> list[list[int]]:
    """Ascending offsets, parted where a gap is not worth reading through."""
    parted: list[list[int]] = [[offset] for offset in offsets[:1]]
    for before, offset in pairwise(offsets):
        if offset - before > GAP:
            parted.append([])
        parted[-1].append(offset)
    return parted
