"""The end of an assignment, as those see it who wait within it."""

from __future__ import annotations

import asyncio

from app.consuming.clock import Clock


class Ending:
    """Set once: from then on nothing is dispatched and every rest is over."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._event = asyncio.Event()
        self._rested = asyncio.Event()

    def set(self) -> None:
        """The end has come."""
        self._event.set()
        self._rested.set()

    @property
    def come(self) -> bool:
        return self._event.is_set()

    def cut_rest(self) -> None:
        """Whoever rests now goes on."""
        self._rested.set()

    async def rest(self, seconds: float) -> None:
        """Waits, or less where the end comes first or the rest is cut."""
        if seconds > 0 and not self.come:
            self._rested.clear()
            await self._clock.wait(self._rested, seconds)
