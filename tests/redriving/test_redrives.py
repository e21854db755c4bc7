"""Redrives from their beginning to their end: what they send, skip and fail at, how they are paced and cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.errors import TransactionAborted, TransactionFenced, TransactionUnknown
from app.events import Event, Monitor, RedriveBegun, RedriveEnded
from app.kafka.connection import InvalidRecord
from app.redriving import redrives as redrives_module
from app.redriving import sending
from app.redriving.redrive import STOPPED, Redrive, Wanted
from app.redriving.redrives import RedriveRefused
from app.redriving.sending import FENCED
from tests.redriving.brokers import DLQ, TOPIC, Brokers, Place
from tests.waiting import until


@pytest.fixture
def brokers() -> Brokers:
    brokers = Brokers()
    brokers.fail(*range(10))
    return brokers


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
async def place(brokers: Brokers, events: list[Event]) -> AsyncIterator[Place]:
    monitor = Monitor()
    for kind in (RedriveBegun, RedriveEnded):
        monitor.subscribe(kind, events.append)
    place = Place(brokers, monitor)
    yield place
    await place.close()


async def run(place: Place, wanted: Wanted | None = None) -> Redrive:
    """Until it is over."""
    redrive = await place.redrives.begin(wanted or Wanted(DLQ, "ann"))
    await until(lambda: redrive.state != "running", "it is over")
    return redrive


def numbers(redrive: Redrive) -> tuple[int, int, int]:
    return redrive.counts.done, redrive.counts.skipped, redrive.counts.failed


async def test_all_go_back_once_in_order(place: Place, brokers: Brokers, events: list[Event]) -> None:
    redrive = await run(place)
    assert (redrive.state, redrive.total, numbers(redrive)) == ("done", 10, (10, 0, 0))
    assert [record.value for record in brokers.sent()] == [b"0", b"2", b"4", b"6", b"8", b"1", b"3", b"5", b"7", b"9"]
    assert all(list(record.headers) == [("h", b"1")] for record in brokers.sent())
    again = await run(place)
    assert (again.state, numbers(again), len(brokers.sent())) == ("done", (0, 10, 0), 10)
    assert [type(event) for event in events] == [RedriveBegun, RedriveEnded] * 2


async def test_another_instance_knows_what_was_sent(place: Place, brokers: Brokers) -> None:
    await run(place)
    brokers.fail(10)
    other = Place(brokers, Monitor())
    redrive = await run(other)
    assert numbers(redrive) == (1, 10, 0)
    assert await other.memory.shown(DLQ) is not None
    await other.close()


async def test_a_fleet_of_another_name_remembers_its_own(place: Place, brokers: Brokers) -> None:
    await run(place)
    other = Place(brokers, Monitor(), remembered="demijohn_staging_redrives")
    assert await other.memory.read(DLQ) == {}
    assert numbers(await run(other)) == (10, 0, 0)
    assert brokers.created == ["demijohn_redrives", "demijohn_staging_redrives"]
    await other.close()


async def test_a_topic_that_was_made_anew_has_sent_nothing(place: Place, brokers: Brokers) -> None:
    brokers.topic_ids[DLQ] = b"\x01"
    await run(place)
    brokers.topic_ids[DLQ] = b"\x02"
    assert numbers(await run(place)) == (10, 0, 0)


async def test_what_was_trimmed_away_is_forgotten(place: Place, brokers: Brokers) -> None:
    await run(place)
    brokers.beginning = 2
    brokers.fail(10)
    await run(place)
    found = await place.memory.read(DLQ)
    assert {partition: ranges.pairs for partition, ranges in found.items()} == {0: [(2, 5)], 1: [(0, 4)]}


async def test_some_go_by_their_offsets_and_those_that_are_not_there_fail(place: Place, brokers: Brokers) -> None:
    redrive = await run(place, Wanted(DLQ, "ann", records={0: [1, 1, 3, 77], 1: [0]}))
    assert (redrive.total, numbers(redrive)) == (4, (3, 0, 1))
    assert sorted(record.value or b"" for record in brokers.sent()) == [b"1", b"2", b"6"]
    assert redrive.detail == "Some of the records are not there (any more)"


async def test_they_go_to_a_target_that_is_named(place: Place, brokers: Brokers) -> None:
    assert numbers(await run(place, Wanted(DLQ, "ann", target="other"))) == (10, 0, 0)
    assert (len(brokers.sent()), len(brokers.sent("other"))) == (0, 10)


async def test_a_dry_run_counts_and_sends_nothing(place: Place, brokers: Brokers) -> None:
    await run(place, Wanted(DLQ, "ann", records={0: [0]}))
    brokers.fail(10, topic="gone")
    opened = len(brokers.opened)
    redrive = await run(place, Wanted(DLQ, "ann", dry_run=True))
    assert numbers(redrive) == (9, 1, 1)
    assert redrive.detail == "orders.dlq-0 at 5: the topic gone does not exist"
    assert (len(brokers.sent()), len(brokers.opened)) == (1, opened)


async def test_only_the_guilty_one_fails(place: Place, brokers: Brokers) -> None:
    brokers.refuses = lambda record: InvalidRecord() if record.value == b"4" else None
    redrive = await run(place)
    assert (redrive.state, numbers(redrive)) == ("done", (9, 0, 1))
    assert redrive.detail is not None
    assert redrive.detail.startswith("orders.dlq-0 at 2: ")
    brokers.refuses = lambda _: None
    assert numbers(await run(place)) == (1, 9, 0)


async def test_trouble_that_passes_is_waited_for(
    place: Place, brokers: Brokers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "PAUSES_S", (0.001, 0.001))
    brokers.transaction_raises["begin"] = [TransactionAborted("not now"), TransactionAborted("not now")]
    assert numbers(await run(place)) == (10, 0, 0)
    assert len(brokers.sent()) == 10


async def test_trouble_that_does_not_ends_it_and_it_can_be_run_again(
    place: Place, brokers: Brokers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "PAUSES_S", (0.001,))
    brokers.transaction_raises["begin"] = [TransactionAborted("not now")] * 2
    redrive = await run(place)
    assert (redrive.state, redrive.detail) == ("failed", "Nothing more could be sent: not now")
    assert numbers(await run(place)) == (10, 0, 0)


async def test_an_answer_that_is_missing_is_looked_up(place: Place, brokers: Brokers) -> None:
    brokers.transaction_raises["commit"] = [TransactionUnknown()]
    assert numbers(await run(place)) == (10, 0, 0)
    assert len(brokers.sent()) == 10


async def test_whoever_begins_last_goes_on(place: Place, brokers: Brokers) -> None:
    brokers.transaction_raises["begin"] = [TransactionFenced()]
    redrive = await run(place)
    assert (redrive.state, redrive.detail) == ("failed", FENCED)


async def test_kafka_away_is_a_failure_with_a_reason(place: Place, brokers: Brokers) -> None:
    brokers.readable = False
    redrive = await run(place)
    assert (redrive.state, redrive.detail) == ("failed", "No broker answers")


async def test_a_rate_is_kept_and_it_can_be_cancelled(place: Place, brokers: Brokers, events: list[Event]) -> None:
    redrive = await place.redrives.begin(Wanted(DLQ, "ann", rate_per_s=1))
    await until(lambda: redrive.counts.done, "the first was sent")
    with pytest.raises(RedriveRefused, match="is running"):
        await place.redrives.begin(Wanted(DLQ, "bob"))
    assert place.redrives.cancel(redrive.id) is redrive
    await until(lambda: redrive.state != "running", "it is over")
    assert (redrive.state, redrive.counts.done < 10) == ("cancelled", True)
    assert place.redrives.cancel("unknown") is None
    assert events[-1] == RedriveEnded(redrive.id, DLQ, "cancelled", redrive.counts.done, 0, 0, False, None)
    await until(lambda: not place.redrives._tasks, "its task is over")
    assert (await run(place)).counts.skipped == redrive.counts.done


async def test_a_stop_of_the_service_cuts_it(place: Place) -> None:
    redrive = await place.redrives.begin(Wanted(DLQ, "ann", rate_per_s=1))
    await until(lambda: redrive.counts.done, "the first was sent")
    await place.redrives.stop()
    assert (redrive.state, redrive.detail) == ("cancelled", STOPPED)


async def test_where_nothing_is_kept_it_is_known_for_the_life_of_the_process(brokers: Brokers) -> None:
    place = Place(brokers, Monitor(), create=False)
    redrive = await run(place)
    assert redrive.not_kept is not None
    assert "KAFKA_CREATE_TOPICS" in redrive.not_kept
    assert numbers(await run(place)) == (0, 10, 0)
    assert brokers.created == []
    await place.close()


async def test_without_transactions_they_go_one_by_one(brokers: Brokers) -> None:
    place = Place(brokers, Monitor(), transactions=False, why_local="the in-memory broker keeps nothing")
    brokers.refuses = lambda record: InvalidRecord() if record.value == b"4" else None
    assert numbers(await run(place)) == (9, 0, 1)
    brokers.refuses = lambda _: None
    assert numbers(await run(place)) == (1, 9, 0)
    assert all(options.transactional_id is None for options in brokers.opened)
    await place.close()


async def test_the_topic_is_made_at_the_first_redrive(place: Place, brokers: Brokers) -> None:
    await run(place)
    await run(place)
    assert brokers.created == [TOPIC]


async def test_the_last_ones_are_kept(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redrives_module, "KEPT", 3)
    ids = [(await run(place, Wanted(DLQ, "ann", dry_run=True))).id for _ in range(6)]
    kept = [redrive.id for redrive in place.redrives.all()]
    assert kept[0] == ids[-1]
    assert len(kept) <= 4
    assert place.redrives.get(ids[0]) is None


async def test_a_mistake_of_middleware_ends_it(place: Place) -> None:
    def broken(_: object) -> object:
        raise KeyError("no such thing")

    place.producer.middleware.append(broken)  # type: ignore[arg-type]  # a mistake on purpose
    redrive = await run(place)
    assert redrive.state == "failed"
    assert redrive.detail is not None
    await asyncio.sleep(0)
