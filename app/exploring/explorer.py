"""Looks into topics for people: pages of messages, one message, a live tail.

Each look has a client of its own, which is closed when the look ends, however it ends. So many looks may run at once;
more are refused, as each costs the brokers and this process something that consumers could use.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from app.errors import KafkaUnavailable, NoSuchResource, TooManyLooks
from app.exploring.cursors import Cursor, Order
from app.exploring.searching import Matches, everything
from app.exploring.walk import MIB, Ended, Limits, Scanned, Towards, Walk, lanes_of, places_of
from app.kafka.log_reader import Fetched, Isolation, LogReader, StoredRecord
from app.kafka.tasks import bounded
from app.messages import TopicPartition

T = TypeVar("T")
MOST_LOOKS, MOST_TAILS = 4, 8
OPEN_TIMEOUT_S = 10.0
NEIGHBOUR_LIMITS = Limits(time_s=1.0)
TAIL_WAIT_MS = 500
TAIL_BYTES = 256 * 1024
TAIL_PER_S = 50
READ_BYTES = 8 * MIB
TAIL_MOST_BEHIND = 10_000
"""So many offsets behind the end a tail leaps to it: its viewer is slower than what comes."""

MakeReader = Callable[[str, Isolation], LogReader]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages. `towards` newer begins at `start`, towards older ends before it: a cursor, an offset, a time in
    ms, or None for the end of the log that lies behind. `partition` None: all of them."""

    topic: str
    towards: Towards = "older"
    start: Cursor | None = None
    offset: int | None = None
    timestamp: int | None = None
    partition: int | None = None
    isolation: Isolation = "read_committed"
    order: Order = "newest"
    matches: Matches = everything


@dataclass(frozen=True, slots=True)
class MessagePage:
    """Messages in the order of the page; `older` and `newer` are where those before and after are found, None where
    there are certainly none. `unreadable` are partitions without a leader."""

    messages: Sequence[StoredRecord]
    scanned: Scanned
    partitions: int
    ended: Ended
    older: Cursor | None
    newer: Cursor | None
    unreadable: Sequence[int]


@dataclass(frozen=True, slots=True)
class MessageFound:
    """One message, and the offsets of those beside it in its partition; None where there is none near by."""

    message: StoredRecord
    previous: int | None
    next: int | None


@dataclass(frozen=True, slots=True)
class Began:
    """A tail has found its place: whatever is stored from these offsets (by partition) on is given."""

    offsets: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Dropped:
    """So many messages were left out of a tail."""

    count: int


class Explorer:
    """Makes readers and walks with them."""

    def __init__(self, make_reader: MakeReader, limits: Limits = Limits()) -> None:  # noqa: B008  # frozen
        self._make_reader = make_reader
        self._limits = limits
        self._looks = 0
        self._tails = 0

    async def page(self, wanted: Wanted, most: int) -> MessagePage:
        """At most `most` messages. Raises TooManyLooks, KafkaUnavailable, AdminRefused, FetchFailed."""
        async with self._look(), self._opened(wanted.topic, wanted.isolation) as reader:
            chosen = _chosen(reader, wanted)
            bounds = await _answered(reader.bounds(chosen))
            starts = await _starts(reader, wanted, bounds)
            lanes = lanes_of(bounds, starts, wanted.towards, 2 * most // max(1, len(starts)))
            began = places_of(lanes)
            walk = Walk(reader, lanes, wanted.matches, self._limits)
            messages, ended = await walk.take(most)
        return _page(wanted, (walk, messages, ended), began, sorted(set(chosen) - bounds.keys()))

    async def message(self, topic: str, partition: int, offset: int, isolation: Isolation) -> MessageFound:
        """One message. Raises NoSuchResource where there is none at that offset, and as `page`."""
        async with self._look(), self._opened(topic, isolation) as reader:
            bounds = await _answered(reader.bounds(_chosen(reader, Wanted(topic, partition=partition))))
            found, following = await self._from(reader, bounds, partition, offset)
            lanes = lanes_of(bounds, {partition: offset}, "older", 1)
            before, _ = await Walk(reader, lanes, everything, NEIGHBOUR_LIMITS).take(1)
        if found is None:
            raise NoSuchResource(
                "NO_MESSAGE", _why_none(TopicPartition(topic, partition), offset, bounds.get(partition), following)
            )
        return MessageFound(found, before[0].offset if before else None, following)

    async def _from(
        self, reader: LogReader, bounds: Mapping[int, tuple[int, int]], partition: int, offset: int
    ) -> tuple[StoredRecord | None, int | None]:
        """(the message at `offset`, the offset of the one after it)."""
        lanes = lanes_of(bounds, {partition: offset}, "newer", 1)
        records, _ = await Walk(reader, lanes, everything, self._limits).take(2)
        here = next((record for record in records if record.offset == offset), None)
        return here, next((record.offset for record in records if record.offset > offset), None)

    async def tail(self, wanted: Wanted) -> AsyncGenerator[StoredRecord | Dropped | Began, None]:
        """Where it begins, first; then messages that come from there on, at most 50 a second; what is left out is
        counted. Raises as `page`."""
        self.check_tail()
        self._tails += 1
        try:
            async with self._opened(wanted.topic, wanted.isolation) as reader:
                bounds = await _answered(reader.bounds(_chosen(reader, wanted)))
                ends = {at: end for at, (_, end) in bounds.items()}
                yield Began(ends)
                async with contextlib.aclosing(_follow(reader, ends, wanted.matches)) as following:
                    async for item in following:
                        yield item
        finally:
            self._tails -= 1

    async def read(self, wanted: Wanted, *, follow: bool) -> AsyncGenerator[StoredRecord, None]:
        """Every message from where `wanted` begins, towards newer ones, as they come, those of one fetch by their
        timestamps: up to the end as it is now, or (`follow`) for ever. Nothing is left out: who is slow is waited for.
        Raises KafkaUnavailable, AdminRefused, FetchFailed."""
        async with self._opened(wanted.topic, wanted.isolation) as reader:
            bounds = await _answered(reader.bounds(_chosen(reader, wanted)))
            starts = await _starts(reader, wanted, bounds)
            positions = {at: max(start, bounds[at][0]) for at, start in starts.items()}
            ends = None if follow else {at: end for at, (_, end) in bounds.items()}
            async with contextlib.aclosing(_onwards(reader, positions, ends)) as records:
                async for record in records:
                    if wanted.matches(record):
                        yield record

    def check_tail(self) -> None:
        """Raises TooManyLooks where no more tails may be open."""
        if self._tails >= MOST_TAILS:
            raise TooManyLooks(f"{MOST_TAILS} live tails are open, which is the most at once: close one, or try later")

    @contextlib.asynccontextmanager
    async def _look(self) -> AsyncIterator[None]:
        if self._looks >= MOST_LOOKS:
            raise TooManyLooks(f"{MOST_LOOKS} people look into topics, which is the most at once: try again soon")
        self._looks += 1
        try:
            yield
        finally:
            self._looks -= 1

    @contextlib.asynccontextmanager
    async def _opened(self, topic: str, isolation: Isolation) -> AsyncIterator[LogReader]:
        reader = self._make_reader(topic, isolation)
        try:
            await _answered(reader.start())
            yield reader
        finally:
            await reader.close()


async def _answered(asked: Coroutine[Any, Any, T]) -> T:
    try:
        return await bounded(asked, OPEN_TIMEOUT_S)
    except TimeoutError:
        raise KafkaUnavailable(f"No broker answered within {OPEN_TIMEOUT_S:g} s") from None


def _chosen(reader: LogReader, wanted: Wanted) -> Sequence[int]:
    partitions = list(reader.partitions)
    if wanted.partition is not None and wanted.partition not in partitions:
        raise NoSuchResource("_UNKNOWN_PARTITION", f"{wanted.topic} has no partition {wanted.partition}")
    if wanted.partition is not None:
        partitions = [wanted.partition]
    if wanted.start is not None:
        partitions = [at for at in partitions if at in wanted.start.places]
    return partitions


async def _starts(reader: LogReader, wanted: Wanted, bounds: Mapping[int, tuple[int, int]]) -> Mapping[int, int]:
    """Where the walk begins in each partition."""
    if wanted.start is not None:
        return {at: place for at, place in wanted.start.places.items() if at in bounds}
    if wanted.offset is not None:
        return dict.fromkeys(bounds, wanted.offset)
    if wanted.timestamp is not None:
        found = await _answered(reader.offsets(list(bounds), wanted.timestamp))
        return {at: found[at] if found.get(at, -1) >= 0 else end for at, (_, end) in bounds.items()}
    return {at: begin if wanted.towards == "newer" else end for at, (begin, end) in bounds.items()}


def _page(
    wanted: Wanted,
    walked: tuple[Walk, list[StoredRecord], Ended],
    began: Mapping[int, int],
    unreadable: Sequence[int],
) -> MessagePage:
    walk, messages, ended = walked
    lanes, reached = walk.lanes, places_of(walk.lanes)
    older, newer = (began, reached) if wanted.towards == "newer" else (reached, began)
    more_before = any(older[lane.partition] > lane.begin for lane in lanes)
    if (wanted.towards == "older") != (wanted.order == "newest"):
        messages = messages[::-1]
    return MessagePage(
        messages,
        walk.scanned,
        len(lanes),
        ended,
        Cursor(wanted.topic, wanted.order, older) if more_before else None,
        Cursor(wanted.topic, wanted.order, newer) if lanes else None,
        unreadable,
    )


def _why_none(at: TopicPartition, offset: int, bounds: tuple[int, int] | None, following: int | None) -> str:
    if bounds is None:
        return f"{at} has no leader and cannot be read now"
    begin, end = bounds
    if not begin <= offset < end:
        return f"{at} has offsets from {begin} to {end - 1}; there is no {offset}" if begin < end else f"{at} is empty"
    then = "none comes after it" if following is None else f"the next one is at {following}"
    return f"{at} has no message at {offset}: it was compacted away, or belongs to a transaction; {then}"


async def _onwards(
    reader: LogReader, positions: Mapping[int, int], ends: Mapping[int, int] | None
) -> AsyncGenerator[StoredRecord, None]:
    """From `positions` on, in each partition before its end where there are `ends`."""
    left = dict(positions)
    while left := {at: offset for at, offset in left.items() if ends is None or offset < ends[at]}:
        fetched = await reader.fetch(left, partition_bytes=MIB, max_bytes=READ_BYTES, wait_ms=TAIL_WAIT_MS)
        behind = {at: got.next_offset for at, got in fetched.items()}
        left = {at: offset for at, offset in left.items() if at not in behind} | behind
        records = [record for got in fetched.values() for record in got.records]
        for record in sorted(records, key=lambda one: one.timestamp):
            if ends is None or record.offset < ends[record.partition]:
                yield record


async def _follow(
    reader: LogReader, positions: dict[int, int], matches: Matches
) -> AsyncGenerator[StoredRecord | Dropped, None]:
    room, since = float(TAIL_PER_S), time.monotonic()
    while True:
        fetched = await reader.fetch(positions, partition_bytes=TAIL_BYTES, max_bytes=TAIL_BYTES, wait_ms=TAIL_WAIT_MS)
        positions = {**{at: positions[at] for at in positions if at not in fetched}, **_after(fetched)}
        found = [record for got in fetched.values() for record in got.records if matches(record)]
        found.sort(key=lambda record: record.timestamp)
        now = time.monotonic()
        room, since = min(TAIL_PER_S, room + (now - since) * TAIL_PER_S), now
        shown = found[max(0, len(found) - int(room)) :]
        room -= len(shown)
        dropped = len(found) - len(shown) + sum(_leap(got) for got in fetched.values())
        if dropped:
            yield Dropped(dropped)
        for record in shown:
            yield record


def _after(fetched: Mapping[int, Fetched]) -> Mapping[int, int]:
    return {at: got.next_offset + _leap(got) for at, got in fetched.items()}


def _leap(got: Fetched) -> int:
    """Offsets that are passed over, as too many are still to come."""
    behind = got.end - got.next_offset
    return behind if behind > TAIL_MOST_BEHIND else 0
