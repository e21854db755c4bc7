"""Measures how late the event loop is: whatever blocks it delays everything."""

from __future__ import annotations

import asyncio
import time

from app.events import LoopLagMeasured, Monitor

INTERVAL_S = 1.0


class LoopLag:
    """Owns one task that sleeps and looks at how much longer that took. Emits LoopLagMeasured."""

    def __init__(self, monitor: Monitor, interval_s: float = INTERVAL_S) -> None:
        self._monitor = monitor
        self._interval_s = interval_s
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to measure; needs a running loop."""
        if self._task is None:
            self._task = asyncio.create_task(self._measure(), name="loop-lag")

    async def stop(self) -> None:
        """Ends the task."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task}, timeout=1)

    async def _measure(self) -> None:
        while True:
            due = time.monotonic() + self._interval_s
            await asyncio.sleep(self._interval_s)
            self._monitor.emit(LoopLagMeasured(max(0.0, time.monotonic() - due) * 1000))
