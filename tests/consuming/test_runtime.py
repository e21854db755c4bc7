"""A whole table: its groups from start to an ordered stop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest

from app.consumer import Consumer
from app.consuming import group as group_module
from app.consuming.runtime import Runtime
from app.events import ErrorOccurred, WarningRaised
from app.routes import DeadLetter, Routes
from app.routes.loading import draw_table
from tests.consuming.groups import Place
from tests.consuming.stage import AT, Noted, consumer_class
from tests.fakes import records
from tests.waiting import until

Run = Callable[..., tuple[Runtime, Place]]


@pytest.fixture
async def run(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Run]:
    """Runs tables with short pauses; they are stopped at the end."""
    monkeypatch.setattr(group_module, "LOOK_AGAIN_S", 0.01)
    monkeypatch.setattr(group_module, "REBUILD_PAUSE_S", (0.01, 5.0))
    running: list[tuple[Runtime, Place]] = []

    def make(*consumers: type[Consumer], place: Place | None = None) -> tuple[Runtime, Place]:
        place = place or Place(topics={"t": 1, "t.dlq": 1})

        def draw(routes: Routes) -> None:
            for number, consumer in enumerate(consumers):
                with routes.group(f"g{number}", dead_letter=DeadLetter("t.dlq")) as group:
                    group.topic("t", consumer)

        table = draw_table(draw, place.settings)
        opener, monitor = place.open_consumer, place.heard.monitor
        running.append((Runtime(place.settings, table, place.kafka, opener, place.producer, monitor), place))
        return running[-1]

    yield make
    for runtime, place in running:
        await runtime.stop(time.monotonic() + 0.5)
        await place.producer.close(0.1)


def codes(runtime: Runtime) -> list[str]:
    return [reason.code for reason in runtime.ready_reasons()]


async def test_it_is_ready_when_every_group_has_joined(run: Run) -> None:
    runtime, place = run(consumer_class(), consumer_class())
    assert codes(runtime) == []
    place.kafka.reachable = False
    await runtime.start()
    assert codes(runtime) == ["group_joining", "group_joining"]
    place.kafka.reachable = True
    await until(lambda: not runtime.ready_reasons(), "it is ready")
    assert [len(member.topics) for member in place.members] == [1, 1]
    assert runtime.live_reasons() == []


async def test_a_topic_that_does_not_exist_is_a_note_and_no_reason(run: Run) -> None:
    runtime, _ = run(consumer_class(), place=Place(topics={"t.dlq": 1}))
    await runtime.start()
    await until(lambda: runtime.notes(), "the missing topic is noted")
    assert [(note.code, note.detail) for note in runtime.notes()] == [
        ("topic_missing", "topic t of group g0 does not exist yet")
    ]
    await until(lambda: not runtime.ready_reasons(), "waiting for a topic is no reason against it")


async def test_a_group_that_fails_long_makes_it_not_ready_and_at_last_not_live(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_module, "BEYOND_REPAIR_S", 0.05)
    place = Place(topics={"t": 1, "t.dlq": 1})
    runtime, _ = run(consumer_class(), place=place)
    await runtime.start()
    await until(lambda: not runtime.ready_reasons(), "it joined")
    monkeypatch.setattr(group_module, "REBUILD_PAUSE_S", (5.0, 5.0))
    place.start_fails = 10_000
    place.members[0].troubled = "its fetch task died"
    await until(lambda: codes(runtime) == ["group_failed"], "it is not ready")
    await until(lambda: [reason.code for reason in runtime.live_reasons()] == ["group_beyond_repair"], "not live")


async def test_a_dlq_topic_that_does_not_exist_is_warned_of(run: Run) -> None:
    runtime, place = run(consumer_class(), place=Place(topics={"t": 1}))
    await runtime.start()
    await until(lambda: place.heard.of(WarningRaised), "the warning")
    assert [event.code for event in place.heard.of(WarningRaised)] == ["dead_letter_topic_missing"]


async def test_groups_consume_the_same_topic_each_for_itself(run: Run) -> None:
    first, second = consumer_class(), consumer_class()
    runtime, place = run(first, second)
    await runtime.start()
    await until(lambda: not runtime.ready_reasons(), "both joined")
    for member in place.members:
        member.give(records(0, 1))
    await until(lambda: first.batches == second.batches == [[0, 1]], "both consumed")


async def test_stopping_finishes_jobs_and_dispatches_no_more(run: Run) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def slow(_: Noted) -> None:
        entered.set()
        await leave.wait()

    made = consumer_class(slow)
    runtime, place = run(made)
    await runtime.start()
    await until(lambda: place.members, "a member")
    place.members[0].give(records(0))
    await entered.wait()
    stopping = asyncio.create_task(runtime.stop(time.monotonic() + 10))
    await asyncio.sleep(0.01)
    place.members[0].give(records(1))
    leave.set()
    assert (await stopping).cut_jobs == ()
    assert place.offsets == {AT: 1}
    assert made.hooks == ["initialized", "consume", "shutdown"]
    assert [runtime_group.state for runtime_group in runtime.groups] == ["stopped"]


async def test_a_stop_is_in_time_and_names_what_it_cut(run: Run) -> None:
    entered = asyncio.Event()

    async def endless(_: Noted) -> None:
        entered.set()
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if leaving.is_set():
                    raise

    leaving = asyncio.Event()
    runtime, place = run(consumer_class(endless))
    await runtime.start()
    await until(lambda: place.members, "a member")
    place.members[0].give(records(0))
    await entered.wait()
    async with asyncio.timeout(5):
        report = await runtime.stop(time.monotonic() + 0.5)
    leaving.set()
    assert report.cut_jobs == ("Made on t-0",)


async def test_a_critical_error_asks_for_a_stop(run: Run) -> None:
    def fails(_: Noted) -> None:
        raise MemoryError

    runtime, place = run(consumer_class(fails))
    await runtime.start()
    await until(lambda: place.members, "a member")
    place.members[0].give(records(0))
    await asyncio.wait_for(runtime.critical_error.wait(), 5)
    assert [event.kind for event in place.heard.of(ErrorOccurred)] == ["consumer.consume", "consumer.critical"]
