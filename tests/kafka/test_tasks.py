"""Waiting with a bound: nothing hangs, nothing is left behind, nobody's end cuts a stop short."""

from __future__ import annotations

import asyncio
import gc
import time

import pytest

from app.kafka.tasks import Stop, bounded, end, unless

pytestmark = pytest.mark.usefixtures("nothing_left")


async def _stubborn(release: asyncio.Event) -> None:
    """Goes on when it is cancelled, until `release`."""
    while not release.is_set():
        try:
            await release.wait()
        except asyncio.CancelledError:
            continue


async def _fail(after: asyncio.Event) -> None:
    await after.wait()
    raise ValueError("late")


async def test_bounded_gives_the_result_or_raises_what_was_raised() -> None:
    now = asyncio.Event()
    now.set()
    assert await bounded(asyncio.sleep(0, "result"), 1) == "result"
    with pytest.raises(ValueError, match="late"):
        await bounded(_fail(now), 1)


async def test_bounded_does_not_wait_for_what_will_not_be_cancelled() -> None:
    release = asyncio.Event()
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        await bounded(_stubborn(release), 0.05)
    assert time.monotonic() - started < 0.5
    release.set()


async def test_bounded_cancels_its_task_when_the_caller_is_cancelled() -> None:
    inner_cancelled = asyncio.Event()

    async def wait_for_ever() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            inner_cancelled.set()
            raise

    caller = asyncio.create_task(bounded(wait_for_ever(), 30))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    caller.cancel()
    await asyncio.wait_for(inner_cancelled.wait(), 1)
    assert (await asyncio.gather(caller, return_exceptions=True))[0].__class__ is asyncio.CancelledError


async def test_end_waits_no_longer_than_it_is_told() -> None:
    release = asyncio.Event()
    stubborn = asyncio.create_task(_stubborn(release))
    await asyncio.sleep(0)
    started = time.monotonic()
    await end([stubborn], 0.05)
    assert time.monotonic() - started < 0.5
    assert not stubborn.done()
    release.set()


async def test_unless_leaves_off_when_there_is_a_hurry() -> None:
    hurry = asyncio.Event()
    asyncio.get_running_loop().call_later(0.02, hurry.set)
    started = time.monotonic()
    await unless(hurry, asyncio.sleep(30))
    assert time.monotonic() - started < 1


class _Steps:
    def __init__(self) -> None:
        self.runs = 0
        self.finished = False

    async def __call__(self, hurry: asyncio.Event) -> None:
        self.runs += 1
        await hurry.wait()
        await asyncio.sleep(0.02)
        self.finished = True


async def test_a_stop_runs_once_and_the_shortest_grace_counts() -> None:
    steps = _Steps()
    stop = Stop(steps)
    assert not stop.begun
    started = time.monotonic()
    await asyncio.gather(stop.within(30), stop.within(0.05))
    await stop.within(30)
    assert time.monotonic() - started < 1
    assert (steps.runs, steps.finished, stop.begun) == (1, True, True)


async def test_a_stop_goes_on_when_its_caller_is_cancelled_and_hurries() -> None:
    steps = _Steps()
    stop = Stop(steps)
    caller = asyncio.create_task(stop.within(30))
    await asyncio.sleep(0)
    caller.cancel()
    started = time.monotonic()
    await stop.within(30)
    assert time.monotonic() - started < 1
    assert steps.finished
    assert (await asyncio.gather(caller, return_exceptions=True))[0].__class__ is asyncio.CancelledError


async def test_what_a_step_raises_is_not_raised_by_the_stop() -> None:
    async def broken(hurry: asyncio.Event) -> None:
        raise ValueError("broken")

    await Stop(broken).within(1)


async def test_bounded_reads_a_failure_that_comes_together_with_the_callers_cancellation() -> None:
    unread: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unread.append(context))
    gate = asyncio.Event()

    async def fails() -> None:
        await gate.wait()
        raise OSError("together")

    caller = asyncio.create_task(bounded(fails(), 5))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gate.set()
    await asyncio.sleep(0)
    caller.cancel()
    await asyncio.wait({caller})
    assert caller.cancelled()
    del caller
    gc.collect()
    assert unread == []
