"""The end of an assignment, as those see it who wait within it."""

from __future__ import annotations

import asyncio

from app.consuming.clock import Clock


class Ending:
    """Set once: from then on nothing is dispatched and every rest is over."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._event = asyncio.Event()

    def set(self) -> None:
        """The end has come."""
        self._event.set()

    @property
    def come(self) -> bool:
        return self._event.is_set()

    async def rest(self, seconds: float) -> None:
        """Waits, or less where the end comes first."""
        if seconds > 0:
            await self._clock.wait(self._event, seconds)
