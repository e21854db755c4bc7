"""What was sent, what was said of it, and what stands in the log: and where the three do not agree.

Each partition has one sender, so its numbers are sent in order. Memory is that of the gaps, not of the messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from app.redriving.ranges import Ranges
from app.verifying.times import Times

Status = Literal["delivered", "failed", "unknown"]
EXAMPLES = 5


@dataclass(slots=True)
class Partition:
    """Of one partition. `newest`: the highest number that was seen."""

    sent: int = 0
    delivered: Ranges = field(default_factory=Ranges)
    failed: Ranges = field(default_factory=Ranges)
    unknown: Ranges = field(default_factory=Ranges)
    seen: Ranges = field(default_factory=Ranges)
    newest: int = -1


@dataclass(slots=True)
class Ledger:
    """`duplicated`: seen twice, as each is sent once; `reordered`: seen after a later one; `unexpected`: failed
    by verdict and yet there; `misplaced`: at another offset than the verdict said; `foreign`: of somebody else."""

    partitions: dict[int, Partition] = field(default_factory=dict)
    duplicated: int = 0
    reordered: int = 0
    unexpected: int = 0
    misplaced: int = 0
    foreign: int = 0
    acknowledged_ms: Times = field(default_factory=Times)
    end_to_end_ms: Times = field(default_factory=Times)
    examples: list[str] = field(default_factory=list)
    _offsets: dict[tuple[int, int], int] = field(default_factory=dict)

    def of(self, partition: int) -> Partition:
        return self.partitions.setdefault(partition, Partition())

    def next_number(self, partition: int) -> int:
        """The number of the next message of a partition, which counts as sent."""
        one = self.of(partition)
        one.sent += 1
        return one.sent - 1

    def verdict(self, partition: int, number: int, status: Status, offset: int | None, took_ms: float) -> None:
        """The service has said what became of a message."""
        one = self.of(partition)
        kept: Mapping[Status, Ranges] = {"delivered": one.delivered, "failed": one.failed, "unknown": one.unknown}
        kept[status].add(number)
        if status == "delivered":
            self.acknowledged_ms.add(took_ms)
            if offset is not None:
                self._place(partition, number, offset)
        elif status == "failed" and number in one.seen:
            self._fault("unexpected", partition, number)

    def seen(self, partition: int, number: int, offset: int, took_ms: float) -> None:
        """A message stands in the log at `offset`."""
        one = self.of(partition)
        if number in one.seen:
            self._fault("duplicated", partition, number)
            return
        one.seen.add(number)
        self.end_to_end_ms.add(took_ms)
        if number < one.newest:
            self._fault("reordered", partition, number)
        one.newest = max(one.newest, number)
        if number in one.failed:
            self._fault("unexpected", partition, number)
        self._place(partition, number, offset)

    def _place(self, partition: int, number: int, offset: int) -> None:
        """Compares the offset of the verdict with that of the log, whichever comes first."""
        known = self._offsets.pop((partition, number), None)
        if known is None:
            self._offsets[(partition, number)] = offset
        elif known != offset:
            self._fault("misplaced", partition, number)

    def _fault(self, kind: str, partition: int, number: int) -> None:
        setattr(self, kind, getattr(self, kind) + 1)
        if len(self.examples) < EXAMPLES:
            self.examples.append(f"{kind}: message {number} of partition {partition}")

    @property
    def lost(self) -> int:
        """Delivered by verdict, and not seen (yet)."""
        return sum(len(one.delivered) - one.delivered.common(one.seen) for one in self.partitions.values())

    @property
    def undecided(self) -> int:
        """Unknown ones that may still come: nothing that was sent after them has been seen."""
        return sum(
            max(0, last - max(first, one.newest + 1) + 1)
            for one in self.partitions.values()
            for first, last in one.unknown.pairs
        )

    @property
    def well(self) -> bool:
        """Whether every verdict was true."""
        return not (self.lost or self.duplicated or self.reordered or self.unexpected or self.misplaced)

    def missing(self) -> Iterator[str]:
        """Examples of what is lost."""
        for partition, one in sorted(self.partitions.items()):
            for first, last in one.delivered.pairs:
                for number in range(first, last + 1):
                    if number not in one.seen:
                        yield f"lost: message {number} of partition {partition}"

    def document(self) -> dict[str, Any]:
        """As JSON values."""
        every = self.partitions.values()
        return {
            "well": self.well,
            "sent": sum(one.sent for one in every),
            "delivered": sum(len(one.delivered) for one in every),
            "failed": sum(len(one.failed) for one in every),
            "unknown": sum(len(one.unknown) for one in every),
            "unknown_stored": sum(one.unknown.common(one.seen) for one in every),
            "seen": sum(len(one.seen) for one in every),
            "lost": self.lost,
            "duplicated": self.duplicated,
            "reordered": self.reordered,
            "unexpected": self.unexpected,
            "misplaced": self.misplaced,
            "foreign": self.foreign,
            "acknowledged_ms": self.acknowledged_ms.document(),
            "end_to_end_ms": self.end_to_end_ms.document(),
            "examples": self.examples,
        }
