"""The rows of the dashboard: what ten viewers cost the service that they look at, and those who produce."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from statistics import median

from benchmarks.arena import Arena, Server, load, server
from benchmarks.rows import Figures, Row
from benchmarks.serving import body_of_one

PAGES = ("/dashboard", "/dashboard/health", "/dashboard/consumers", "/dashboard/jobs", "/dashboard/api/history")
VIEWERS_OF_EACH = 2
REFRESH_S = 5
"""What the web page does by itself."""
ALLOWED_PERCENT = 1.0
SETTLE_S = 5.0
CONNECTIONS = 64
LOOKED_AT_CALLS = 35_000
"""More than two seconds of them."""
LOOKED_AT_REFRESH_S = 2
"""Oftener than the web page does, so that each window has its share of what viewers are sent."""
PAIRS = 28
"""A pair alone says little: half of them are more than 7% off."""
LOOKED_AT_SETTLE_S = 0.3


class Viewing:
    """Measures of streams. `scale` shortens the runs."""

    def __init__(self, arena: Arena, scale: float) -> None:
        self._arena = arena
        self._scale = scale
        self._window_s = max(10.0, 60 * scale)

    def rows(self) -> list[Row]:
        """Both of them."""
        viewers = len(PAGES) * VIEWERS_OF_EACH
        at_rest = f"CPU for {viewers} viewers of the dashboard, to what is allowed"
        loaded = f"CPU of a call on {CONNECTIONS} connections while {viewers} look on, to none looking"
        return [
            Row("dashboard", at_rest, 1.0, _allowed, self._viewers, more_is_better=False),
            Row("dashboard-load", loaded, 1.02, _one, self._calls_looked_at, more_is_better=False),
        ]

    async def _viewers(self) -> Figures:
        """How much more of a core the service uses while it is looked at."""
        environment = {"KAFKA_BOOTSTRAP_SERVERS": self._arena.servers}
        async with server("-m", "app", "server", environment=environment) as running:
            await asyncio.sleep(SETTLE_S)
            without = await self._percent(running)
            async with _viewers(running, REFRESH_S):
                seen = await self._percent(running)
        return Figures(max(0.0, seen - without), "% of a core", f" ({without:.1f}% without any)")

    async def _calls_looked_at(self) -> Figures:
        """The median of pairs of windows, one with viewers and one without, of one service in changing order."""
        environment = {"KAFKA_BOOTSTRAP_SERVERS": self._arena.servers}
        body = body_of_one(await self._arena.topic())
        cpu, rates = [], []
        async with server("-m", "app", "server", environment=environment) as running:
            await _calls(running, body, 0)
            for number in range(max(4, round(PAIRS * self._scale))):
                seen_first = number % 2
                first = await _calls(running, body, seen_first)
                second = await _calls(running, body, not seen_first)
                seen, alone = (first, second) if seen_first else (second, first)
                cpu.append(seen["cpu_us"] / alone["cpu_us"])
                rates.append(seen["per_s"] / alone["per_s"])
        return Figures(median(cpu), "of it", f" (rate {median(rates):.3f}, {len(cpu)} pairs)")

    async def _percent(self, running: Server) -> float:
        before = running.cpu_s()
        await asyncio.sleep(self._window_s)
        return 100 * (running.cpu_s() - before) / self._window_s


async def _calls(running: Server, body: str, looked_at: bool | int) -> dict[str, float]:
    """Some seconds of calls, with viewers or without."""
    async with AsyncExitStack() as stack:
        if looked_at:
            await stack.enter_async_context(_viewers(running, LOOKED_AT_REFRESH_S))
        await asyncio.sleep(LOOKED_AT_SETTLE_S)
        return await load(running, path="/produce", body=body, connections=CONNECTIONS, requests=LOOKED_AT_CALLS)


async def _one() -> Figures:
    return Figures(1.0, "of it")


async def _allowed() -> Figures:
    return Figures(ALLOWED_PERCENT, "% of a core")


@asynccontextmanager
async def _viewers(running: Server, refresh_s: int) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for path in PAGES * VIEWERS_OF_EACH:
            await stack.enter_async_context(_viewer(running, path, refresh_s))
        yield


@asynccontextmanager
async def _viewer(running: Server, path: str, refresh_s: int) -> AsyncIterator[None]:
    """Reads a stream and drops what comes. Raises where none comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
    writer.write(
        f"GET {path}?refresh={refresh_s} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: text/event-stream\r\n\r\n".encode()
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
