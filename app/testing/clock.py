"""A clock whose time passes at once: nobody waits, and everybody is told how long it would have been."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from app.consuming.clock import Clock


@dataclass(eq=False, slots=True)
class Wait:
    """Somebody waits for `event`, until `deadline` where there is one."""

    event: asyncio.Event
    deadline: float | None
    timeout: asyncio.Timeout
    over: bool = False


class PassingClock(Clock):
    """Time stands still but for `pass_on`. `stir` is called whenever somebody begins to wait."""

    def __init__(self, stir: Callable[[], None]) -> None:
        self._stir = stir
        self._now = 0.0
        self._waits: list[Wait] = []

    def now(self) -> float:
        return self._now

    async def wait(self, event: asyncio.Event, timeout_s: float | None = None) -> None:
        if event.is_set():
            return
        deadline = None if timeout_s is None else self._now + max(0.0, timeout_s)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None) as timeout:
                wait = Wait(event, deadline, timeout)
                self._waits.append(wait)
                self._stir()
                try:
                    await event.wait()
                finally:
                    self._waits.remove(wait)

    def all_wait(self, waiters: int) -> bool:
        """Whether so many wait, and none of them is about to go on."""
        return len(self._waits) == waiters and not any(wait.over or wait.event.is_set() for wait in self._waits)

    def pass_on(self, until: float | None) -> bool:
        """Goes on to the next deadline, or only to `until` where that comes first. False where nobody waits for a
        time, or `until` has come."""
        deadlines = [wait.deadline for wait in self._waits if wait.deadline is not None and not wait.over]
        if not deadlines or (until is not None and self._now >= until):
            return False
        following = min(deadlines)
        self._now = max(self._now, following if until is None else min(following, until))
        for wait in self._waits:
            if wait.deadline is not None and wait.deadline <= self._now:
                wait.over = True
                wait.timeout.reschedule(asyncio.get_running_loop().time())
        return True
