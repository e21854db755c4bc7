"""The loop's lag is measured by a task that ends when it is told to."""

from __future__ import annotations

import asyncio
import time

from app.events import LoopLagMeasured, Monitor
from app.observing.loop_lag import LoopLag
from tests.api.service import until


async def test_a_blocked_loop_is_seen() -> None:
    monitor = Monitor()
    measured: list[LoopLagMeasured] = []
    monitor.subscribe(LoopLagMeasured, measured.append)
    lag = LoopLag(monitor, interval_s=0.01)
    lag.start()
    lag.start()
    await until(lambda: len(measured) > 1)
    time.sleep(0.1)  # noqa: ASYNC251  # this is the blocking that is to be seen
    await until(lambda: any(event.lag_ms > 50 for event in measured))
    await lag.stop()
    await lag.stop()
    assert [task.get_name() for task in asyncio.all_tasks()].count("loop-lag") == 0
