"""The row of the dashboard: what ten viewers cost the service that they look at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from benchmarks.arena import Arena, Server, server
from benchmarks.rows import Figures, Row

PAGES = ("/dashboard", "/dashboard/health", "/dashboard/consumers", "/dashboard/jobs", "/dashboard/api/history")
VIEWERS_OF_EACH = 2
REFRESH_S = 5
"""What the web page does by itself."""
ALLOWED_PERCENT = 1.0
SETTLE_S = 5.0


class Viewing:
    """Measures of streams. `scale` shortens the runs."""

    def __init__(self, arena: Arena, scale: float) -> None:
        self._arena = arena
        self._window_s = max(10.0, 60 * scale)

    def rows(self) -> list[Row]:
        """The only one."""
        text = f"CPU for {len(PAGES) * VIEWERS_OF_EACH} viewers of the dashboard, to what is allowed"
        return [Row("dashboard", text, 1.0, _allowed, self._viewers, more_is_better=False)]

    async def _viewers(self) -> Figures:
        """How much more of a core the service uses while it is looked at."""
        environment = {"KAFKA_BOOTSTRAP_SERVERS": self._arena.servers}
        async with server("-m", "app", "server", environment=environment) as running:
            await asyncio.sleep(SETTLE_S)
            without = await self._percent(running)
            async with AsyncExitStack() as stack:
                for path in PAGES * VIEWERS_OF_EACH:
                    await stack.enter_async_context(_viewer(running, path))
                seen = await self._percent(running)
        return Figures(max(0.0, seen - without), "% of a core", f" ({without:.1f}% without any)")

    async def _percent(self, running: Server) -> float:
        before = running.cpu_s()
        await asyncio.sleep(self._window_s)
        return 100 * (running.cpu_s() - before) / self._window_s


async def _allowed() -> Figures:
    return Figures(ALLOWED_PERCENT, "% of a core")


@asynccontextmanager
async def _viewer(running: Server, path: str) -> AsyncIterator[None]:
    """Reads a stream and drops what comes. Raises where none comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(
        f"GET {path}?refresh={REFRESH_S} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\n\r\n".encode()
    )
    assert b" 200 " in await reader.readline()
    reading = asyncio.ensure_future(_drop(reader))
    try:
        yield
        assert not reading.done(), f"the stream of {path} has ended"
    finally:
        reading.cancel()
        await asyncio.wait({reading})
        writer.close()


async def _drop(reader: asyncio.StreamReader) -> None:
    while await reader.read(65_536):
        pass
