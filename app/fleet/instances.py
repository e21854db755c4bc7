"""What this instance knows of the others: their states, as whoever folds has last written them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from app.fleet.fold import Folded
from app.fleet.head import Head, read_head
from app.fleet.view import Report, Row
from app.fleet.wire import Heading, Place, unpack

MOST_BYTES = 32 * 1024 * 1024
"""So much is kept of all rows of partitions together, compressed; of what is beyond only the heads are."""
NO_PLACE = Place(-1, 0)


@dataclass(slots=True)
class _Kept:
    """One value as it came. `read`: its head, once somebody has asked for it; rows are read each time."""

    place: Place
    at_ms: int
    value: bytes
    read: Head | Literal[False] | None = None


@dataclass(slots=True)
class _Instance:
    head: _Kept
    chunks: dict[int, _Kept] = field(default_factory=dict)


class Instances:
    """Fed with every record of the states' topic that tells of an instance.

    Instances are `gone` when they have not reported for `gone_after_s` before the latest report of all: so nobody is
    gone because this instance's clock is wrong, or because nobody folds.
    """

    def __init__(self, instance: str, gone_after_s: float, now: Callable[[], float] = time.time) -> None:
        self._this = instance
        self._gone_after_ms = gone_after_s * 1000
        self._now = now
        self._known: dict[str, _Instance] = {}
        self._bytes = 0
        self.latest_ms = 0
        self.latest_place: Place | None = None
        self.seen_itself = False

    def take(self, about: Heading, value: bytes | None) -> None:
        """A record of kind `report` or `partitions`; one that is behind what is known is passed over."""
        place = about.place or NO_PLACE
        if value is not None:
            self.latest_ms = max(self.latest_ms, about.at_ms)
        self.latest_place = max(place, self.latest_place or place)
        if about.kind == "report":
            self._take_head(about.key, _Kept(place, about.at_ms, value or b""))
        else:
            name, _, number = about.key.rpartition("/")
            if name in self._known and number.isdecimal():
                self._take_chunk(self._known[name], int(number), _Kept(place, about.at_ms, value or b""))

    def _take_head(self, name: str, head: _Kept) -> None:
        known = self._known.get(name)
        if known is not None and known.head.place > head.place:
            return
        self.seen_itself = self.seen_itself or name == self._this
        if not head.value:
            self._forget(name)
        elif known is None:
            self._known[name] = _Instance(head)
        else:
            known.head = head

    def _take_chunk(self, known: _Instance, number: int, chunk: _Kept) -> None:
        before = known.chunks.get(number)
        if before is not None and before.place > chunk.place:
            return
        size = len(chunk.value) - (len(before.value) if before else 0)
        if not chunk.value or self._bytes + size > MOST_BYTES:
            known.chunks.pop(number, None)
            size = -len(before.value) if before else 0
        else:
            known.chunks[number] = chunk
        self._bytes += size

    def _forget(self, name: str) -> None:
        known = self._known.pop(name, None)
        if known is not None:
            self._bytes -= sum(len(chunk.value) for chunk in known.chunks.values())

    def _time_ms(self) -> int:
        """The time of the latest report; this instance's clock while that may be an old one."""
        return self.latest_ms if self.seen_itself else max(self.latest_ms, int(self._now() * 1000))

    def others(self) -> Iterator[Report]:
        """All but this one that are to be shown, the longest running first."""
        now_ms = self._time_ms()
        heads = [(name, known, _head(known.head)) for name, known in self._known.items() if name != self._this]
        shown = [(name, known, head) for name, known, head in heads if head is not None]
        for name, known, head in sorted(shown, key=lambda one: (-one[2].uptime_s, one[0])):
            if Folded(known.head.at_ms, head.state).kept_until_ms >= now_ms:
                yield self._report(name, known, head, now_ms)

    def living(self) -> int:
        """How many others live."""
        now_ms = self._time_ms()
        return sum(
            name != self._this and not self._gone(known, now_ms) and not _stopped(known)
            for name, known in self._known.items()
        )

    def _gone(self, known: _Instance, now_ms: int) -> bool:
        return now_ms - known.head.at_ms > self._gone_after_ms

    def _report(self, name: str, known: _Instance, head: Head, now_ms: int) -> Report:
        return Report(
            instance=name,
            this=False,
            seen_at=datetime.fromtimestamp(known.head.at_ms / 1000, UTC),
            gone=self._gone(known, now_ms) or head.state == "stopped",
            about={**head.about, "state": head.state},
            groups=head.groups,
            jobs=head.jobs,
            partitions=lambda: _rows(known, head.chunks),
        )

    def folded(self, totals: Mapping[str, Mapping[str, float]]) -> dict[str, Folded]:
        """What whoever takes over folding must know of each. `totals`: what each had counted at its last sample."""
        found: dict[str, Folded] = {}
        for name, known in self._known.items():
            if head := _head(known.head):
                found[name] = Folded(known.head.at_ms, head.state, head.chunks, totals.get(name))
        return found


def _head(kept: _Kept) -> Head | None:
    if kept.read is None:
        kept.read = read_head(kept.value) or False
    return kept.read or None


def _stopped(known: _Instance) -> bool:
    head = _head(known.head)
    return head is None or head.state == "stopped"


def _rows(known: _Instance, chunks: int) -> list[Row]:
    rows: list[Row] = []
    for number, chunk in sorted(known.chunks.items()):
        if number < chunks:
            rows.extend((unpack(chunk.value) or {}).get("rows", ()))
    return rows
