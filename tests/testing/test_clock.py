"""The clock whose time passes at once."""

from __future__ import annotations

import asyncio

import pytest

from app.testing.clock import PassingClock
from tests.waiting import until


class Waiting:
    """Waits on a clock, each in a task, and what has ended, in order."""

    def __init__(self) -> None:
        self.stirred = 0
        self.clock = PassingClock(self._stir)
        self.ended: list[float | None] = []
        self.tasks: list[asyncio.Task[None]] = []

    def _stir(self) -> None:
        self.stirred += 1

    async def begin(self, *timeouts_s: float | None, event: asyncio.Event | None = None) -> None:
        for timeout_s in timeouts_s:
            self.tasks.append(asyncio.create_task(self._wait(event or asyncio.Event(), timeout_s)))
        await until(lambda: self.stirred == len(self.tasks), "all of them wait")

    async def _wait(self, event: asyncio.Event, timeout_s: float | None) -> None:
        await self.clock.wait(event, timeout_s)
        self.ended.append(timeout_s)

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def test_time_goes_from_one_deadline_to_the_next() -> None:
    waiting = Waiting()
    await waiting.begin(30.0, None, 2.0, 30.0)
    assert waiting.clock.pass_on(None)
    assert not waiting.clock.all_wait(4)
    await until(lambda: waiting.ended == [2.0], "the first is over")
    assert waiting.clock.now() == 2.0
    assert waiting.clock.all_wait(3)
    assert waiting.clock.pass_on(None)
    await until(lambda: waiting.ended == [2.0, 30.0, 30.0], "both are over")
    assert (waiting.clock.now(), waiting.clock.pass_on(None)) == (30.0, False)
    await waiting.close()


async def test_no_more_time_passes_than_is_allowed() -> None:
    waiting = Waiting()
    await waiting.begin(10.0)
    assert waiting.clock.pass_on(4.0)
    assert (waiting.clock.now(), waiting.clock.all_wait(1)) == (4.0, True)
    assert not waiting.clock.pass_on(4.0)
    await waiting.close()


async def test_an_event_ends_a_wait_and_no_time_passes() -> None:
    waiting, event = Waiting(), asyncio.Event()
    await waiting.begin(10.0, event=event)
    event.set()
    assert not waiting.clock.all_wait(1)
    await until(lambda: waiting.ended, "it goes on")
    assert waiting.clock.now() == 0.0
    await waiting.clock.wait(event, 5.0)
    assert waiting.clock.all_wait(0)


async def test_a_cancelled_wait_is_gone() -> None:
    waiting = Waiting()
    await waiting.begin(10.0)
    await waiting.close()
    assert waiting.clock.all_wait(0)
    assert waiting.tasks[0].cancelled()


@pytest.mark.parametrize("timeout_s", [0.0, -1.0])
async def test_a_wait_for_no_time_is_over_when_time_is_looked_at(timeout_s: float) -> None:
    waiting = Waiting()
    await waiting.begin(timeout_s)
    assert waiting.clock.pass_on(None)
    await until(lambda: waiting.ended, "it is over")
    assert waiting.clock.now() == 0.0
