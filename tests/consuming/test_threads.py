"""Hooks written as plain `def`: they run in threads, and the loop goes on."""

from __future__ import annotations

import asyncio
import threading
import time
from contextvars import ContextVar

import pytest

from app.consumer import Consumer
from app.consuming.threads import ThreadPool
from app.errors import UnknownTopic
from app.events import ErrorOccurred, JobFinished
from app.routes import DeadLetter
from tests.consuming.stage import AT, Stage, line_of
from tests.fakes import records
from tests.waiting import until


async def test_a_blocking_function_does_not_block_the_loop() -> None:
    pool, leave = ThreadPool(2), threading.Event()
    running = asyncio.create_task(pool.run(leave.wait))
    await asyncio.sleep(0.01)
    assert not running.done()
    leave.set()
    await asyncio.wait_for(running, 5)


async def test_functions_run_side_by_side_up_to_the_bound_and_threads_are_used_again() -> None:
    pool, names, gate = ThreadPool(2), [], threading.Barrier(2)

    def note() -> None:
        names.append(threading.current_thread().name)
        gate.wait(5)

    for _ in range(3):
        await asyncio.gather(pool.run(note), pool.run(note))
    assert len(names) == 6
    assert len(set(names)) == 2
    assert all(thread.daemon for thread in threading.enumerate() if thread.name in names)


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(1), KeyboardInterrupt(), asyncio.CancelledError()])
async def test_what_it_raises_is_raised(error: BaseException) -> None:
    def fails() -> None:
        raise error

    with pytest.raises(type(error)):
        await ThreadPool(1).run(fails)


async def test_an_error_that_no_future_takes_is_told_in_other_words() -> None:
    def fails() -> None:
        raise StopIteration(3)

    with pytest.raises(RuntimeError, match="StopIteration"):
        await ThreadPool(1).run(fails)


async def test_a_caller_that_gives_up_does_not_lose_the_pool_its_thread() -> None:
    pool, leave = ThreadPool(1), threading.Event()
    running = asyncio.create_task(pool.run(leave.wait))
    waiting = asyncio.create_task(pool.run(lambda: None))
    await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.wait({running})
    assert not waiting.done()
    leave.set()
    await asyncio.wait_for(waiting, 5)
    await asyncio.wait_for(pool.run(lambda: None), 5)


async def test_a_call_that_was_given_up_before_it_began_is_not_made() -> None:
    pool, leave, made = ThreadPool(1), threading.Event(), []
    first = asyncio.create_task(pool.run(leave.wait))
    second = asyncio.create_task(pool.run(lambda: made.append(1)))
    await asyncio.sleep(0.01)
    second.cancel()
    leave.set()
    await asyncio.wait_for(first, 5)
    await asyncio.wait_for(pool.run(lambda: None), 5)
    assert made == []


class Blocking(Consumer):
    """A consumer without a single `async`."""

    def initialized(self) -> None:
        self.threads = {threading.get_ident()}

    def consume(self) -> None:
        self.threads.add(threading.get_ident())
        assert threading.current_thread() is not threading.main_thread()
        for message in self.messages:
            if message.payload == 1:
                raise ValueError
            report = self.wait(self.producer.produce_sync(topic="t", payload=message.payload * 10))
            assert report.offset is not None
            assert self.mark_as_consumed(message)

    def shutdown(self) -> None:
        time.sleep(0)


async def test_a_consumer_may_be_written_without_async(stage: Stage) -> None:
    stage.client.give(records(0, 1, 2))
    worker = stage.assign(line_of(Blocking, dead_letter=DeadLetter("t.dlq", max_retries=0)))
    await stage.marked(3)
    assert stage.dead == [b"1"]
    assert sorted(int(record.value or b"") for record in stage.kafka.records("t")) == [0, 20]
    await worker.run_last_hook("shutdown")
    kinds = [event.kind for event in stage.heard.of(ErrorOccurred)]
    assert kinds == ["consumer.consume"] * 2  # in its batch, and then alone


async def test_a_blocked_thread_holds_up_no_heartbeat_and_is_cut_at_the_end(stage: Stage) -> None:
    entered, leave = threading.Event(), threading.Event()

    class Stuck(Consumer):
        def consume(self) -> None:
            entered.set()
            leave.wait(30)

    stage.client.give(records(0))
    worker = stage.assign(line_of(Stuck))
    await until(entered.is_set, "the job runs")
    worker.end(revoked=False)
    worker.cancel()
    assert worker.task is not None
    await asyncio.wait({worker.task}, timeout=5)
    assert [event.outcome for event in stage.heard.of(JobFinished)] == ["cancelled"]
    assert stage.ledger.marked(AT) is None
    leave.set()


async def test_errors_of_what_is_waited_for_are_raised_in_the_thread(stage: Stage) -> None:
    seen: list[BaseException] = []

    class Asking(Consumer):
        def consume(self) -> None:
            try:
                self.wait(self.producer.produce_sync(topic="nowhere", payload=1))
            except UnknownTopic as error:
                seen.append(error)

    stage.client.give(records(0))
    stage.assign(line_of(Asking))
    await stage.marked(1)
    assert len(seen) == 1


async def test_waiting_on_the_loop_itself_is_refused(stage: Stage) -> None:
    class Wrong(Consumer):
        async def consume(self) -> None:
            self.wait(asyncio.sleep(0))

    stage.client.give(records(0))
    stage.assign(line_of(Wrong))
    await until(lambda: stage.heard.of(ErrorOccurred), "it is told")
    assert "use await" in str(stage.heard.of(ErrorOccurred)[0].error)


async def test_a_thread_sees_the_context_of_its_caller_and_changes_its_own_only() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="unset")
    variable.set("of the caller")
    seen: list[str] = []

    def look() -> None:
        seen.append(variable.get())
        variable.set("of the thread")

    pool = ThreadPool(1)
    await pool.run(look)
    await pool.run(look)
    assert seen == ["of the caller"] * 2
