"""An open load: requests come at their own rate, however long the answers take.

A time is counted from when its request was due, so waiting for a free connection is part of it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import deque
from typing import Any, cast

import uvloop

from benchmarks.load import complete, request_of

TICK_S = 0.001
ANSWERS_TIMEOUT_S = 30.0


class Flood:
    """Sends what is due over whichever connection is free."""

    def __init__(self, request: bytes) -> None:
        self.took_s: dict[str, list[float]] = {}
        """Of each status, of all its answers."""
        self._request = request
        self._due: deque[float] = deque()
        self._free: list[Visitor] = []

    def ask(self, due_at: float) -> None:
        """One more request."""
        self._due.append(due_at)
        self._send_due()

    def freed(self, connection: Visitor) -> None:
        """`connection` may be used."""
        self._free.append(connection)
        self._send_due()

    def _send_due(self) -> None:
        while self._due and self._free:
            self._free.pop().send(self._request, self._due.popleft())

    def answered(self, status: str, took_s: float) -> None:
        """A request has its answer."""
        self.took_s.setdefault(status, []).append(took_s)

    @property
    def answers(self) -> int:
        return sum(map(len, self.took_s.values()))


class Visitor(asyncio.Protocol):
    """One connection of a flood."""

    def __init__(self, flood: Flood) -> None:
        self._flood = flood
        self._transport: asyncio.WriteTransport
        self._due_at = 0.0
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's own class
        self._flood.freed(self)

    def send(self, request: bytes, due_at: float) -> None:
        """Sends a request that was due at that time."""
        self._due_at = due_at
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if complete(self._buffer):
            self._flood.answered(self._buffer[9:12].decode(), time.perf_counter() - self._due_at)
            self._buffer = b""
            self._flood.freed(self)


async def drive(order: dict[str, Any]) -> dict[str, float]:
    """Carries out an order: port, path, body, connections, per_s, seconds, and the statuses that may come, of each of
    which it tells how many a second, p50 and p99."""
    loop, flood = asyncio.get_running_loop(), Flood(request_of(order))
    for _ in range(order["connections"]):
        await loop.create_connection(lambda: Visitor(flood), "127.0.0.1", order["port"])
    started, sent, wanted = time.perf_counter(), 0, int(order["per_s"] * order["seconds"])
    while sent < wanted:
        due = min(wanted, int((time.perf_counter() - started) * order["per_s"]))
        for number in range(sent, due):
            flood.ask(started + number / order["per_s"])
        sent = max(sent, due)
        await asyncio.sleep(TICK_S)
    async with asyncio.timeout(ANSWERS_TIMEOUT_S):
        while flood.answers < wanted:
            await asyncio.sleep(TICK_S)
    elapsed_s = time.perf_counter() - started
    assert flood.took_s.keys() <= set(order["statuses"]), flood.took_s.keys()
    return {"requests": wanted} | {
        f"{status}_{name}": figure
        for status in order["statuses"]
        for name, figure in _figures(sorted(flood.took_s.get(status, [0.0])), elapsed_s).items()
    }


def _figures(took_s: list[float], elapsed_s: float) -> dict[str, float]:
    return {
        "per_s": len(took_s) / elapsed_s,
        "p50_ms": took_s[len(took_s) // 2] * 1000,
        "p99_ms": took_s[len(took_s) * 99 // 100] * 1000,
    }


if __name__ == "__main__":
    print(json.dumps(uvloop.run(drive(json.loads(sys.argv[1])))))
