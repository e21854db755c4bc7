"""Keyed parallelism: a partition's batch in lanes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.consuming.lanes import split
from app.errors import MessageFailed
from app.events import ErrorOccurred
from app.messages import Message
from app.routes import Backoff, DeadLetter, Keyed, Subscription
from tests.consuming.stage import AT, Noted, Stage, bad, line_of
from tests.fakes import FakeRecord
from tests.waiting import until


def keyed_records(*keys: str | None) -> list[FakeRecord]:
    """A record for each key, at offsets 0, 1, 2 …; the payload is the offset."""
    return [
        FakeRecord(offset, str(offset).encode(), key=None if key is None else key.encode())
        for offset, key in enumerate(keys)
    ]


def offsets(lanes: list[list[Any]]) -> list[list[int]]:
    return [[record.offset for record in lane] for lane in lanes]


def test_the_largest_group_goes_first_to_the_emptiest_lane_and_keyless_ones_fill_up() -> None:
    batch = keyed_records("a", "b", "b", "b", "c", None, "a", None)
    assert offsets(split(batch, lambda record: record.key, 3)) == [[1, 2, 3], [0, 6, 7], [4, 5]]


def test_without_keys_records_are_spread_evenly() -> None:
    assert offsets(split(keyed_records(*[None] * 5), lambda record: record.key, 2)) == [[0, 2, 4], [1, 3]]


@given(st.lists(st.sampled_from(["a", "b", "c", "d", None]), max_size=40), st.integers(1, 6))
def test_every_record_is_in_one_lane_and_each_key_in_one_lane_in_order(keys: list[str | None], count: int) -> None:
    lanes = split(keyed_records(*keys), lambda record: record.key, count)
    assert len(lanes) == count
    assert sorted(record.offset for lane in lanes for record in lane) == list(range(len(keys)))
    assert all(lane == sorted(lane, key=lambda record: record.offset) for lane in lanes)
    homes: dict[bytes | None, set[int]] = {}
    for index, lane in enumerate(lanes):
        for record in lane:
            homes.setdefault(record.key, set()).add(index)
    assert all(len(homes[key]) == 1 for key in homes if key is not None)


class Laned(Noted):
    """Notes the batches of every lane, and waits or fails at the keys that a test names."""

    gates: ClassVar[dict[str, asyncio.Event]]
    objects: ClassVar[set[int]]

    async def consume(self) -> None:
        self.objects.add(id(self))
        self.batches.append([message.offset for message in self.messages])
        self.attempts.append(self.attempt)
        if gate := self.gates.get(str(self.messages.first.key)):
            await gate.wait()
        answer = type(self).says(self)
        if asyncio.iscoroutine(answer):
            await answer


def laned(says: Callable[[Any], Any] = lambda _: None, *gated: str) -> type[Laned]:
    members = {
        "hooks": [],
        "batches": [],
        "attempts": [],
        "objects": set(),
        "gates": {key: asyncio.Event() for key in gated},
        "says": staticmethod(says),
    }
    return type("Made", (Laned,), members)


def keyed_line(made: type[Noted], workers: int = 3, **changes: Any) -> Subscription:
    return line_of(made, **{"keyed": Keyed(workers=workers), "backoff": Backoff(1, 4), **changes})


async def test_lanes_run_side_by_side_and_the_mark_is_the_highest_contiguous_one(stage: Stage) -> None:
    made = laned(lambda _: None, "b")
    stage.client.give(keyed_records("a", "b", "c", "a", "b", "c"))
    stage.assign(keyed_line(made))
    await stage.marked(1)
    assert sorted(made.batches) == [[0, 3], [1, 4], [2, 5]]
    assert len(made.objects) == 3
    made.gates["b"].set()
    await stage.marked(6)


async def test_a_batch_is_begun_only_when_all_lanes_of_the_last_are_done(stage: Stage) -> None:
    made = laned(lambda _: None, "b")
    stage.client.give(keyed_records("a", "b", "c", "a"))
    stage.assign(keyed_line(made, max_messages=3))
    await stage.marked(1)
    assert len(made.batches) == 3
    made.gates["b"].set()
    await stage.marked(4)
    assert made.batches[3:] == [[3]]


async def test_a_mark_covers_its_lane_only(stage: Stage) -> None:
    def consume(consumer: Laned) -> None:
        if consumer.messages.first.key == "a":
            assert consumer.mark_as_consumed(consumer.messages.last)

    made = laned(consume)
    stage.client.give(keyed_records("a", "b", "a", "a"))
    worker = stage.assign(keyed_line(made, manual_offsets=True))
    await stage.marked(1)
    await until(lambda: worker.idle, "it waits for more")
    assert stage.ledger.marked(AT) == 1


async def test_what_a_lane_has_left_unmarked_holds_later_batches_until_it_marks_behind_it(stage: Stage) -> None:
    marking = {"a"}

    def consume(consumer: Laned) -> None:
        if consumer.messages.first.key in marking:
            consumer.mark_as_consumed(consumer.messages.last)

    made = laned(consume)
    first, second = keyed_records("a", "a", "b"), keyed_records(*[None] * 3, "a", "a", "b")[3:]
    stage.client.give(first)
    worker = stage.assign(keyed_line(made, workers=2, manual_offsets=True))
    await stage.marked(2)
    stage.client.give(second)
    await until(lambda: len(made.batches) == 4 and worker.idle, "the second batch is through")
    assert stage.ledger.marked(AT) == 2
    marking.add("b")
    stage.client.give([FakeRecord(6, key=b"a"), FakeRecord(7, key=b"a"), FakeRecord(8, key=b"b")])
    await stage.marked(9)


async def test_a_failure_collapses_the_batch_to_one_line_and_what_was_done_is_not_run_again(stage: Stage) -> None:
    failures = [ValueError("b")]

    def consume(consumer: Laned) -> None:
        if consumer.messages.first.key == "b" and failures:
            raise failures.pop()

    made = laned(consume)
    stage.client.give(keyed_records("a", "b", "c", "b", "a"))
    stage.assign(keyed_line(made))
    await stage.marked(5)
    assert sorted(made.batches[:3]) == [[0, 4], [1, 3], [2]]
    assert made.batches[3:] == [[1, 3]]
    assert made.attempts[3:] == [2]
    stage.client.give([FakeRecord(5, key=b"a"), FakeRecord(6, key=b"b")])
    await stage.marked(7)
    assert sorted(made.batches[4:]) == [[5], [6]]


async def test_two_lanes_that_fail_are_run_again_together_in_the_order_of_the_partition(stage: Stage) -> None:
    failing = {"a", "b"}

    def consume(consumer: Laned) -> None:
        if (key := str(consumer.messages.first.key)) in failing:
            failing.discard(key)
            raise MessageFailed(consumer.messages.last)

    made = laned(consume)
    stage.client.give(keyed_records("a", "b", "c", "a", "b"))
    stage.assign(keyed_line(made))
    await stage.marked(5)
    assert made.batches[3:] == [[3, 4]]


async def test_only_the_guilty_one_of_a_lane_is_dead_lettered_after_the_collapse(stage: Stage) -> None:
    def consume(consumer: Laned) -> None:
        for message in consumer.messages:
            if message.offset == 3:
                raise ValueError("three")

    made = laned(consume)
    stage.client.give(keyed_records("a", "b", "c", "b", "a"))
    stage.assign(keyed_line(made, dead_letter=DeadLetter("t.dlq", max_retries=0)))
    await stage.marked(5)
    assert stage.dead == [b"3"]
    assert made.batches[3:] == [[1], [3]]


@pytest.mark.parametrize(
    ("by", "announced"), [(lambda message: message.payload["id"], []), (lambda message: 1 / 0, ["consumer.keyed"])]
)
async def test_where_a_key_cannot_be_had_the_batch_is_run_in_one_line(
    stage: Stage, by: Callable[[Message], Any], announced: list[str]
) -> None:
    made = laned()
    stage.client.give([FakeRecord(0, b'{"id": 1}'), bad(1), FakeRecord(2, b'{"id": 2}')])
    stage.assign(line_of(made, keyed=Keyed(by=by, workers=3)))
    await stage.marked(3)
    assert made.batches == [[0, 1, 2]]
    assert [event.kind for event in stage.heard.of(ErrorOccurred)] == announced


async def test_every_lane_is_told_of_the_end_of_its_assignment(stage: Stage) -> None:
    made = laned()
    stage.client.give(keyed_records("a", "b"))
    worker = stage.assign(keyed_line(made))
    await stage.marked(2)
    worker.end(revoked=True)
    await worker.run_last_hook("revoked")
    assert sorted(made.hooks) == ["initialized"] * 2 + ["revoked"] * 2


async def test_a_cut_marks_only_what_lanes_had_done(stage: Stage) -> None:
    made = laned(lambda _: None, "b")
    stage.client.give(keyed_records("a", "b", "a"))
    worker = stage.assign(keyed_line(made))
    await stage.marked(1)
    worker.end(revoked=False)
    worker.cancel()
    assert worker.task is not None
    await asyncio.wait({worker.task}, timeout=5)
    assert worker.task.done()
    assert stage.ledger.marked(AT) == 1
    assert stage.heard.of(ErrorOccurred) == []
