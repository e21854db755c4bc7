"""A blocked loop is seen from outside: by whom while it lasts, and who it was when it is over."""

from __future__ import annotations

import asyncio
import ctypes
import time
from collections.abc import AsyncIterator, Callable

import pytest

from app.events import LoopBlocked, LoopLagMeasured, LoopStuck, Monitor
from app.observing.loop_lag import LoopLag
from app.observing.loop_watch import LoopWatch
from tests.waiting import until

FILE = "tests/observing/test_loop_watch.py"


@pytest.fixture
async def watched() -> AsyncIterator[list[LoopBlocked]]:
    """The blocks of this test's loop; a fifth of a second is one."""
    monitor, blocks, turns = Monitor(), list[LoopBlocked](), list[LoopLagMeasured]()
    monitor.subscribe(LoopBlocked, blocks.append)
    monitor.subscribe(LoopLagMeasured, turns.append)
    lag = LoopLag(monitor, blocked_s=0.2, report_s=0.01)
    lag.start()
    await until(lambda: len(turns) > 1, "the loop is watched")
    yield blocks
    await lag.stop()


def sleeps() -> None:
    time.sleep(0.5)


def keeps_the_interpreter() -> None:
    """As a regular expression that runs away does: no other thread gets a turn."""
    ctypes.PyDLL(None).usleep(500_000)


@pytest.mark.parametrize("blocks", [sleeps, keeps_the_interpreter])
async def test_a_block_is_told_once_with_its_duration_and_the_line_that_blocked(
    watched: list[LoopBlocked], blocks: Callable[[], None]
) -> None:
    blocks()
    await until(lambda: any(block.blocked_ms >= 450 for block in watched), "the block is told")
    await asyncio.sleep(0.3)
    (block,) = [block for block in watched if block.blocked_ms >= 450]
    assert block.culprit is not None
    assert block.culprit.place.startswith(f"{FILE}:")
    assert block.culprit.consumer is None


async def test_a_loop_that_turns_now_and_then_is_late_and_not_blocked() -> None:
    monitor, blocks, lags = Monitor(), list[LoopBlocked](), list[LoopLagMeasured]()
    monitor.subscribe(LoopBlocked, blocks.append)
    monitor.subscribe(LoopLagMeasured, lags.append)
    lag = LoopLag(monitor)
    lag.start()
    for _ in range(12):
        time.sleep(0.1)  # noqa: ASYNC251  # short blocking, with turns in between
        await asyncio.sleep(0)
    await until(lambda: lags, "the lag is told")
    await lag.stop()
    assert blocks == []
    assert lags[0].lag_ms >= 40


async def test_a_loop_that_stays_blocked_is_told_while_it_is() -> None:
    monitor, stuck = Monitor(), list[LoopStuck]()
    monitor.subscribe(LoopStuck, stuck.append)
    watch = LoopWatch(monitor, blocked_s=0.1, stuck_s=0.2)
    watch.start()
    deadline = time.monotonic() + 10
    while not stuck and time.monotonic() < deadline:
        time.sleep(0.01)  # noqa: ASYNC251  # this is the blocking that is to be seen
    time.sleep(0.6)  # noqa: ASYNC251  # and it is told once
    watch.stop()
    assert len(stuck) == 1
    assert stuck[0].culprit is not None
    assert stuck[0].culprit.place.startswith(f"{FILE}:")


async def test_who_blocked_once_is_not_blamed_for_the_next_time() -> None:
    monitor = Monitor()
    watch = LoopWatch(monitor, blocked_s=0.1)
    watch.start()
    deadline = time.monotonic() + 10
    while watch._seen is None and time.monotonic() < deadline:
        time.sleep(0.01)  # noqa: ASYNC251  # this is the blocking that is to be seen
    assert watch.turned() is not None
    assert watch.turned() is None
    watch.stop()
