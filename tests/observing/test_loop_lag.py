"""The loop's lag is measured by a task that ends when it is told to, and it tells the truth."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from app.events import LoopLagMeasured, Monitor
from app.observing.loop_lag import MOST_SAMPLES, LoopLag, lateness_ms
from tests.waiting import until


async def test_a_blocked_loop_is_seen_however_short_the_block() -> None:
    monitor = Monitor()
    measured: list[LoopLagMeasured] = []
    monitor.subscribe(LoopLagMeasured, measured.append)
    lag = LoopLag(monitor, report_s=0.01)
    lag.start()
    lag.start()
    await until(lambda: len(measured) > 1, "the lag is measured")
    time.sleep(0.3)  # noqa: ASYNC251  # this is the blocking that is to be seen
    await until(lambda: any(event.lag_ms >= 240 for event in measured), "the block is measured")
    await lag.stop()
    await lag.stop()
    assert [task.get_name() for task in asyncio.all_tasks()].count("loop-lag") == 0
    await until(lambda: "loop-watch" not in [thread.name for thread in threading.enumerate()], "the watch has ended")


def test_timers_that_were_due_during_a_block_count_for_the_percentiles() -> None:
    assert lateness_ms(0.0) == [0.0]
    assert lateness_ms(0.01) == [10.0]
    assert lateness_ms(0.12) == pytest.approx([120.0, 70.0, 20.0])
    assert len(lateness_ms(3600)) == MOST_SAMPLES + 1
