"""The end of an assignment, as those see it who wait within it."""

from __future__ import annotations

import asyncio


class Ending:
    """Set once: from then on nothing is dispatched and every rest is over."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """The end has come."""
        self._event.set()

    @property
    def come(self) -> bool:
        return self._event.is_set()

    async def rest(self, seconds: float) -> None:
        """Waits, or less where the end comes first."""
        if seconds <= 0 or self.come:
            return
        ending = asyncio.ensure_future(self._event.wait())
        try:
            await asyncio.wait({ending}, timeout=seconds)
        finally:
            ending.cancel()
