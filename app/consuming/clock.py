"""Time as the engine's own waits see it: the pauses of a partition and its waits for records."""

from __future__ import annotations

import asyncio
import contextlib
import time


class Clock:
    """The real one. `app.testing` brings one whose time passes at once."""

    def now(self) -> float:
        """Seconds, of a clock that is never set."""
        return time.monotonic()

    async def wait(self, event: asyncio.Event, timeout_s: float | None = None) -> None:
        """Returns when `event` is set, or after `timeout_s`."""
        if timeout_s is None:
            await event.wait()
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await event.wait()
