"""Measures how late the event loop is: whatever blocks it delays everything."""

from __future__ import annotations

import asyncio
import time

from app.events import LoopBlocked, LoopLagMeasured, Monitor
from app.observing.loop_watch import BLOCKED_S, LoopWatch

TICK_S = 0.05
"""How often the loop is asked to turn: no block is measured shorter than it was by more than this."""
REPORT_S = 1.0
MOST_SAMPLES = 1200


class LoopLag:
    """Owns one task that sleeps and looks at how much longer that took, and the thread that sees who is to blame.

    Emits LoopLagMeasured once in `report_s`, and LoopBlocked after every block of at least `blocked_s`.
    """

    def __init__(self, monitor: Monitor, blocked_s: float = BLOCKED_S, report_s: float = REPORT_S) -> None:
        self._monitor = monitor
        self._blocked_s = blocked_s
        self._report_s = report_s
        self._watch = LoopWatch(monitor, blocked_s)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to measure; needs a running loop."""
        if self._task is None:
            self._watch.start()
            self._task = asyncio.create_task(self._measure(), name="loop-lag")

    async def stop(self) -> None:
        """Ends task and thread."""
        task, self._task = self._task, None
        if task is not None:
            self._watch.stop()
            task.cancel()
            await asyncio.wait({task}, timeout=1)

    async def _measure(self) -> None:
        samples: list[float] = []
        report_at = time.monotonic() + self._report_s
        while True:
            due = time.monotonic() + TICK_S
            await asyncio.sleep(TICK_S)
            now = time.monotonic()
            late_s = max(0.0, now - due)
            culprit = self._watch.turned()
            samples += lateness_ms(late_s)
            if late_s >= self._blocked_s - TICK_S:
                self._monitor.emit(LoopBlocked((late_s + TICK_S) * 1000, culprit))
            if now >= report_at:
                self._monitor.emit(LoopLagMeasured(max(samples), tuple(samples)))
                samples, report_at = [], now + self._report_s


def lateness_ms(late_s: float) -> list[float]:
    """How late every timer was that a tick late by `late_s` stands for: without those that became due during a
    block and were never asked for, percentiles would make little of it."""
    missed = min(int(late_s / TICK_S), MOST_SAMPLES)
    return [(late_s - tick * TICK_S) * 1000 for tick in range(missed + 1)]
