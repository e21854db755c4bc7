"""A walk through the partitions of a topic, towards newer or older messages, in the order of their timestamps.

Logs are read forwards only. Towards older messages a partition is read in windows, each forwards from where it begins;
the emptier a window is (compacted, aborted, or without a match), the wider is the next one.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Literal, Protocol

from app.errors import KafkaUnavailable
from app.exploring.searching import Matches
from app.kafka.log_reader import Fetched, StoredRecord

Towards = Literal["newer", "older"]
Ended = Literal["limit", "end", "time", "bytes", "count"]
MIB = 1024 * 1024
FIRST_BYTES, MOST_PARTITION_BYTES = 64 * 1024, MIB
MOST_FETCH_BYTES = 8 * MIB
WINDOWS_BYTES = 16 * MIB
"""Of all windows that are read side by side."""
LEAST_WINDOW, MOST_WINDOW = 10, 1_000_000
WIDEN, NARROW = 4, 8
IN_A_TURN = 500
EMPTY_WAIT_MS = 100
LEAST_S = 0.1


class Reader(Protocol):
    """What is read from."""

    async def fetch(
        self, positions: Mapping[int, int], *, partition_bytes: int, max_bytes: int, wait_ms: int = 0
    ) -> Mapping[int, Fetched]: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a walk ends although neither the page is full nor the log at its end. `messages` and `size_bytes` are of
    what is scanned; the last fetch may go beyond them."""

    time_s: float = 5.0
    messages: int = 100_000
    size_bytes: int = 64 * MIB


@dataclass(slots=True)
class Scanned:
    """What was looked at. `offsets` counts those of records that are gone, too."""

    messages: int = 0
    size_bytes: int = 0
    offsets: int = 0


@dataclass(slots=True)
class Lane:
    """One partition on a walk. `edge`: towards newer, everything before it is scanned; towards older, everything from
    it on. `ahead` are the matches that are scanned and not taken, the next one first."""

    partition: int
    begin: int
    end: int
    edge: int
    towards: Towards
    width: int = LEAST_WINDOW
    share: int = FIRST_BYTES
    ahead: deque[StoredRecord] = field(default_factory=deque)

    @property
    def exhausted(self) -> bool:
        return self.edge >= self.end if self.towards == "newer" else self.edge <= self.begin

    @property
    def place(self) -> int:
        """Where the next page goes on: as in a cursor."""
        if not self.ahead:
            return self.edge
        return self.ahead[0].offset if self.towards == "newer" else self.ahead[0].offset + 1


@dataclass(slots=True)
class _Window:
    """A stretch of offsets that is read forwards."""

    begin: int
    position: int
    size_bytes: int = 0
    found: list[StoredRecord] = field(default_factory=list)


class Walk:
    """Walks the `lanes`, all of them in one direction."""

    def __init__(self, reader: Reader, lanes: Sequence[Lane], matches: Matches, limits: Limits) -> None:
        self._reader = reader
        self.lanes = lanes
        self._matches = matches
        self._limits = limits
        self._until = time.monotonic() + limits.time_s
        self._answered = False
        self._starved: Set[int] = frozenset()
        self.scanned = Scanned()

    async def take(self, most: int) -> tuple[list[StoredRecord], Ended]:
        """The next messages and why there are no more. Raises what the reader raises.

        Where a limit ends it, what is scanned already is given although other partitions might have come first.
        """
        taken: list[StoredRecord] = []
        ended: Ended | None = None
        while len(taken) < most:
            hungry = [lane for lane in self.lanes if not lane.ahead and not lane.exhausted]
            if hungry and ended is None:
                ended = self._spent()
                if ended is None:
                    await self._load(hungry)
                continue
            if (lane := self._next()) is None:
                return taken, ended or "end"
            taken.append(lane.ahead.popleft())
        return taken, "limit"

    def _next(self) -> Lane | None:
        """The lane whose next message comes first."""
        ready = [lane for lane in self.lanes if lane.ahead]
        if not ready:
            return None
        if ready[0].towards == "newer":
            return min(ready, key=lambda lane: (lane.ahead[0].timestamp, lane.partition))
        return max(ready, key=lambda lane: (lane.ahead[0].timestamp, lane.partition))

    def _spent(self) -> Ended | None:
        if time.monotonic() >= self._until:
            return "time"
        if self.scanned.size_bytes >= self._limits.size_bytes:
            return "bytes"
        return "count" if self.scanned.messages >= self._limits.messages else None

    async def _load(self, lanes: Sequence[Lane]) -> None:
        if lanes[0].towards == "newer":
            await self._load_newer(lanes)
        else:
            await self._load_older(lanes)

    async def _load_newer(self, lanes: Sequence[Lane]) -> None:
        fetched = await self._fetch({lane.partition: lane.edge for lane in lanes}, max(lane.share for lane in lanes))
        for lane in lanes:
            if (got := fetched.get(lane.partition)) is None:
                continue
            records = [record for record in got.records if record.offset < lane.end]
            lane.ahead.extend(await self._matching(records))
            self.scanned.offsets += min(got.next_offset, lane.end) - lane.edge
            lane.edge = min(got.next_offset, lane.end)
            lane.share = min(lane.share * 2, MOST_PARTITION_BYTES)

    async def _load_older(self, lanes: Sequence[Lane]) -> None:
        """Reads the next window of each lane whole, or time is over: then what came of it is dropped."""
        windows = {lane.partition: _window_of(lane) for lane in lanes}
        reading = {lane.partition: lane for lane in lanes}
        room = max(FIRST_BYTES, WINDOWS_BYTES // len(lanes))
        while reading and time.monotonic() < self._until:
            positions = {partition: windows[partition].position for partition in reading}
            share = max(lane.share for lane in reading.values())
            for partition, got in (await self._fetch(positions, share)).items():
                lane, window = reading[partition], windows[partition]
                lane.share = min(lane.share * 2, MOST_PARTITION_BYTES)
                records = [record for record in got.records if record.offset < lane.edge]
                window.found += await self._matching(records)
                window.size_bytes += got.size_bytes
                window.position = got.next_offset
                if window.position >= lane.edge:
                    self._finish(lane, window, room)
                    del reading[partition]
                elif window.size_bytes > room and lane.edge - window.begin > 1:
                    lane.width = max(1, (lane.edge - window.begin) // NARROW)
                    windows[partition] = _window_of(lane)

    def _finish(self, lane: Lane, window: _Window, room: int) -> None:
        self.scanned.offsets += lane.edge - window.begin
        lane.edge = window.begin
        lane.ahead.extend(reversed(window.found))
        if window.size_bytes < room // WIDEN:
            lane.width = min(lane.width * WIDEN, MOST_WINDOW)

    async def _fetch(self, positions: Mapping[int, int], share: int) -> Mapping[int, Fetched]:
        """One fetch of all these partitions. Those of which nothing came before are named first: brokers fill an answer
        in the order of the request. Raises KafkaUnavailable where no answer ever came."""
        wanted = dict(sorted(positions.items(), key=lambda at: at[0] not in self._starved))
        most = min(MOST_FETCH_BYTES, share * len(wanted))
        wait_ms = EMPTY_WAIT_MS if wanted.keys() <= self._starved else 0
        try:
            async with asyncio.timeout(max(LEAST_S, self._until - time.monotonic())):
                fetched = await self._reader.fetch(wanted, partition_bytes=share, max_bytes=most, wait_ms=wait_ms)
        except TimeoutError:
            if self._answered:
                return {}
            raise KafkaUnavailable(f"The messages did not come within {self._limits.time_s:g} s") from None
        self._answered = True
        self._starved = wanted.keys() - fetched.keys()
        self.scanned.size_bytes += sum(got.size_bytes for got in fetched.values())
        return fetched

    async def _matching(self, records: Sequence[StoredRecord]) -> list[StoredRecord]:
        found: list[StoredRecord] = []
        for start in range(0, len(records), IN_A_TURN):
            part = records[start : start + IN_A_TURN]
            found += [record for record in part if self._matches(record)]
            self.scanned.messages += len(part)
            await asyncio.sleep(0)
        return found


def _window_of(lane: Lane) -> _Window:
    begin = max(lane.begin, lane.edge - lane.width)
    return _Window(begin, begin)


def lanes_of(
    bounds: Mapping[int, tuple[int, int]], places: Mapping[int, int], towards: Towards, width: int
) -> list[Lane]:
    """A lane for each partition that has a place; places outside of the log are brought to its nearest end."""
    return [
        Lane(partition, begin, end, min(max(places[partition], begin), end), towards, max(LEAST_WINDOW, width))
        for partition, (begin, end) in bounds.items()
        if partition in places
    ]


def places_of(lanes: Collection[Lane]) -> Mapping[int, int]:
    """Where the next page goes on."""
    return {lane.partition: lane.place for lane in lanes}
