"""Who holds the loop is read from the stack: the consumer, and the innermost line of the team's own code."""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
import threading
from collections.abc import Callable
from types import FrameType, SimpleNamespace
from typing import Any

from app.consumer import Consumer
from app.events import Culprit
from app.observing.culprits import culprit_of

FILE = "tests/observing/test_culprits.py"
Sample = Callable[[], None]


class PaymentsConsumer(Consumer):
    """Calls `sample` from where a test wants it."""

    sample: Sample

    async def consume(self) -> None:
        self.book()

    def book(self) -> None:
        self.sample()

    async def read(self) -> None:
        json.loads("{}", object_hook=lambda _: self.sample())

    async def gather(self) -> None:
        await asyncio.gather(self.consume())


def a_consumer() -> tuple[PaymentsConsumer, list[Culprit | None]]:
    context: Any = SimpleNamespace(topic="payments", partition=2)
    consumer, found = PaymentsConsumer(context), []
    consumer.sample = lambda: found.append(culprit_of(_caller()))
    return consumer, found


def _caller() -> FrameType:
    """Two frames out: whoever called the sampling function."""
    frame = inspect.currentframe()
    for _ in range(2):
        assert frame is not None
        frame = frame.f_back
    assert frame is not None
    return frame


def line_of(function: Callable[..., object]) -> int:
    """The line of the one statement of `function`."""
    lines, start = inspect.getsourcelines(function)
    return start + len(lines) - 1


async def test_a_consumer_is_named_with_its_partition_and_the_line_of_its_code() -> None:
    consumer, found = a_consumer()
    await consumer.consume()
    assert found == [Culprit(f"{FILE}:{line_of(PaymentsConsumer.book)}", "PaymentsConsumer", "payments", 2)]


async def test_what_a_consumer_calls_in_a_library_is_its_own_line() -> None:
    consumer, found = a_consumer()
    await consumer.read()
    assert found[0] is not None
    assert found[0].place == f"{FILE}:{line_of(PaymentsConsumer.read)}"


async def test_a_task_that_a_consumer_started_counts_as_the_consumers() -> None:
    consumer, found = a_consumer()
    await asyncio.create_task(consumer.gather())
    assert [str(culprit) for culprit in found] == [
        f"PaymentsConsumer on payments-2 ({FILE}:{line_of(PaymentsConsumer.book)})"
    ]


async def test_a_consumer_that_is_being_made_is_named_without_a_partition() -> None:
    class Early(PaymentsConsumer):
        def __init__(self) -> None:
            found.append(culprit_of(_caller_of_this()))

    def _caller_of_this() -> FrameType:
        return _caller()

    found: list[Culprit | None] = []
    Early()
    assert found[0] is not None
    assert (found[0].consumer, found[0].topic) == ("Early", None)
    assert str(found[0]).startswith(f"Early ({FILE}:")


async def test_other_code_is_named_by_its_line() -> None:
    found: list[Culprit | None] = []
    asyncio.get_running_loop().call_soon(lambda: found.append(culprit_of(_caller())))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert found == [None]  # called by the loop itself: nothing of ours stands above the callback

    def callback() -> None:
        found.append(culprit_of(inspect.currentframe() or _caller()))

    asyncio.get_running_loop().call_soon(callback)
    await asyncio.sleep(0)
    assert found[1] == Culprit(f"{FILE}:{line_of(callback)}")


async def test_a_loop_that_waits_holds_nobody_up() -> None:
    ready, end = threading.Event(), threading.Event()

    async def waits() -> None:
        ready.set()
        while not end.is_set():
            await asyncio.sleep(0.5)

    thread = threading.Thread(target=asyncio.run, args=(waits(),))
    thread.start()
    assert ready.wait(5)
    found: Culprit | None = Culprit("not asked yet")
    for _ in range(1000):  # it may just be on its way to its rest
        assert thread.ident is not None
        found = culprit_of(sys._current_frames()[thread.ident])
        if found is None:
            break
        await asyncio.sleep(0.005)
    end.set()
    thread.join()
    assert found is None
