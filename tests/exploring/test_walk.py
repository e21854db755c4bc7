"""A walk gives every message once, in order, and ends at its limits, whatever the log looks like."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import KafkaUnavailable
from app.exploring.searching import containing, everything
from app.exploring.walk import Limits, Towards, Walk, lanes_of, places_of
from app.kafka.log_reader import Fetched, StoredRecord

RECORD_BYTES = 100


def record(partition: int, offset: int, timestamp: int, value: bytes = b"v") -> StoredRecord:
    return StoredRecord(partition, offset, timestamp, False, None, value, ())


class Log:
    """Partitions with gaps, which gives at most `most` records of each at once."""

    def __init__(self, records: Sequence[StoredRecord], ends: Mapping[int, int], most: int = 7) -> None:
        self.ends = ends
        self.fetches = 0
        self._most = most
        self._records = {
            at: sorted((one for one in records if one.partition == at), key=lambda one: one.offset) for at in ends
        }

    async def fetch(
        self, positions: Mapping[int, int], *, partition_bytes: int, max_bytes: int, wait_ms: int = 0
    ) -> Mapping[int, Fetched]:
        self.fetches += 1
        return {at: self._read(at, position) for at, position in positions.items() if position < self.ends[at]}

    def _read(self, at: int, position: int) -> Fetched:
        rest = [one for one in self._records[at] if one.offset >= position]
        given = rest[: self._most]
        next_offset = given[-1].offset + 1 if len(rest) > self._most else self.ends[at]
        return Fetched(given, next_offset, RECORD_BYTES * len(given), self.ends[at])


class Silent:
    """Answers never."""

    async def fetch(self, positions: Mapping[int, int], **_: int) -> Mapping[int, Fetched]:
        await asyncio.Event().wait()
        return {}


class Empty(Silent):
    """Answers with nothing."""

    async def fetch(self, positions: Mapping[int, int], **_: int) -> Mapping[int, Fetched]:
        await asyncio.sleep(0)
        return {}


def walk(log: Log, towards: Towards, starts: Mapping[int, int], limits: Limits = Limits(), text: str = "") -> Walk:  # noqa: B008
    bounds = {at: (0, end) for at, end in log.ends.items()}
    matches = containing(text) if text else everything
    return Walk(log, lanes_of(bounds, starts, towards, 1), matches, limits)


LOGS = st.lists(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 5)), max_size=40), min_size=1, max_size=4)
"""Of each partition, how far each record is from the one before, in offsets and in ms."""


def log_of(partitions: list[list[tuple[int, int]]]) -> tuple[Log, list[StoredRecord]]:
    records, ends = [], {}
    for at, steps in enumerate(partitions):
        offset = timestamp = 0
        for further, later in steps:
            offset, timestamp = offset + further, timestamp + later
            records.append(record(at, offset, timestamp))
        ends[at] = offset + 25
    return Log(records, ends), records


@given(LOGS, st.integers(1, 20))
async def test_pages_towards_older_give_all_from_the_newest_on(
    partitions: list[list[tuple[int, int]]], size: int
) -> None:
    log, records = log_of(partitions)
    places: Mapping[int, int] = dict(log.ends)
    given_: list[StoredRecord] = []
    while True:
        one = walk(log, "older", places)
        page, ended = await one.take(size)
        given_ += page
        places = places_of(one.lanes)
        if ended == "end":
            break
    assert given_ == sorted(records, key=lambda it: (it.timestamp, it.partition, it.offset), reverse=True)


@given(LOGS, st.integers(1, 20))
async def test_pages_towards_newer_give_all_from_the_oldest_on(
    partitions: list[list[tuple[int, int]]], size: int
) -> None:
    log, records = log_of(partitions)
    places: Mapping[int, int] = dict.fromkeys(log.ends, 0)
    given_: list[StoredRecord] = []
    while True:
        one = walk(log, "newer", places)
        page, ended = await one.take(size)
        given_ += page
        places = places_of(one.lanes)
        if ended == "end":
            break
    assert given_ == sorted(records, key=lambda it: (it.timestamp, it.partition, it.offset))


async def test_an_almost_empty_log_is_crossed_in_few_fetches() -> None:
    log = Log([record(0, 3, 1)], {0: 5_000_000})
    one = walk(log, "older", {0: 5_000_000})
    page, ended = await one.take(50)
    assert ([it.offset for it in page], ended) == ([3], "end")
    assert one.scanned.offsets == 5_000_000
    assert log.fetches < 30


@pytest.mark.parametrize("towards", ["older", "newer"])
@pytest.mark.parametrize(
    ("limits", "reason"), [(Limits(messages=100), "count"), (Limits(size_bytes=100 * RECORD_BYTES), "bytes")]
)
async def test_a_search_that_finds_nothing_ends_at_its_limit_and_goes_on_from_there(
    towards: Towards, limits: Limits, reason: str
) -> None:
    records = [record(0, offset, offset) for offset in range(1000)]
    wanted = record(0, 500, 500, b"needle")
    log = Log([wanted if it.offset == 500 else it for it in records], {0: 1000})
    places: Mapping[int, int] = {0: 1000 if towards == "older" else 0}
    ends: list[str] = []
    page: list[StoredRecord] = []
    while not page:
        one = walk(log, towards, places, limits, "needle")
        page, ended = await one.take(1)
        assert one.scanned.messages < 300
        places = places_of(one.lanes)
        ends.append(ended)
    assert page == [wanted]
    assert set(ends[:-1]) == {reason}
    assert len(ends) > 2


async def test_what_is_found_before_a_limit_is_given() -> None:
    records = [record(0, offset, offset) for offset in range(1000)]
    log = Log(records, {0: 1000, 1: 0})
    page, ended = await walk(log, "newer", {0: 0, 1: 0}, Limits(messages=20)).take(500)
    assert ended == "count"
    assert [it.offset for it in page] == list(range(len(page)))
    assert page


async def test_a_window_of_large_records_is_narrowed() -> None:
    records = [record(0, offset, offset) for offset in range(100)]

    class Large(Log):
        def _read(self, at: int, position: int) -> Fetched:
            return super()._read(at, position)._replace(size_bytes=6 * 1024 * 1024)

    log = Large(records, {0: 100}, most=1)
    one = Walk(log, lanes_of({0: (0, 100)}, {0: 100}, "older", 50), everything, Limits(size_bytes=10**12))
    page, _ = await one.take(3)
    assert [it.offset for it in page] == [99, 98, 97]
    assert log.fetches < 30


async def test_a_broker_that_never_answers_is_told_as_such() -> None:
    one = Walk(Silent(), lanes_of({0: (0, 10)}, {0: 0}, "newer", 1), everything, Limits(time_s=0.1))
    with pytest.raises(KafkaUnavailable):
        await one.take(5)


@pytest.mark.parametrize("towards", ["older", "newer"])
async def test_a_log_that_gives_nothing_ends_the_walk_in_time(towards: Towards) -> None:
    one = Walk(Empty(), lanes_of({0: (0, 10)}, {0: 5}, towards, 1), everything, Limits(time_s=0.1))
    assert await one.take(5) == ([], "time")
    assert places_of(one.lanes) == {0: 5}


def test_places_outside_of_the_log_are_brought_to_its_end() -> None:
    lanes = lanes_of({0: (10, 20), 1: (0, 5), 2: (0, 1)}, {0: 5, 1: 99}, "newer", 1)
    assert places_of(lanes) == {0: 10, 1: 5}
