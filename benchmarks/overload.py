"""Rows of a service that gets twice as many calls as it may have in flight.

How many it may have is set low, and Kafka's answers are made slow by a linger, so that the limit is what bounds the
rate, and not the processor that server, load generator and Kafka share here.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from benchmarks.arena import Arena, Server, load, server
from benchmarks.rows import Figures, Row
from benchmarks.serving import body_of_one

IN_FLIGHT = 16
LINGER_MS = 10
CONNECTIONS = 128
CAPACITY_S = 5.0
FLOOD_S = 10.0
REFUSED_WITHIN_MS = 10.0
TAKEN, REFUSED = "200", "503"


class Overload:
    """Measures of one service under an open load. `scale` shortens the runs."""

    def __init__(self, arena: Arena, scale: float) -> None:
        self._arena = arena
        self._scale = scale

    def rows(self) -> list[Row]:
        """All of them."""
        return [
            Row(
                "overload",
                "calls taken at twice the capacity, to as many as may be in flight",
                0.9,
                self._at_capacity,
                self._taken,
            ),
            Row(
                "overload-refused",
                f"p99 of a refusal then, to {REFUSED_WITHIN_MS:g} ms",
                1.0,
                self._bound,
                self._refused,
                more_is_better=False,
            ),
        ]

    async def _at_capacity(self) -> Figures:
        topic = await self._arena.topic()
        async with self._server() as running:
            return Figures(await self._capacity(running, topic), "requests/s")

    async def _bound(self) -> Figures:
        return Figures(REFUSED_WITHIN_MS, "ms")

    async def _taken(self) -> Figures:
        measured = await self._flooded()
        return Figures(measured[f"{TAKEN}_per_s"], "requests/s", _notes(measured))

    async def _refused(self) -> Figures:
        measured = await self._flooded()
        return Figures(measured[f"{REFUSED}_p99_ms"], "ms", _notes(measured))

    async def _capacity(self, running: Server, topic: str) -> float:
        """Calls a second on exactly as many connections as calls may be in flight."""
        order = {"path": "/produce", "body": body_of_one(topic), "connections": IN_FLIGHT}
        rough = await load(running, **order, requests=IN_FLIGHT * 20)
        return (await load(running, **order, requests=int(rough["per_s"] * CAPACITY_S * self._scale)))["per_s"]

    async def _flooded(self) -> dict[str, float]:
        topic = await self._arena.topic()
        async with self._server() as running:
            per_s = 2 * await self._capacity(running, topic)
            order = {"path": "/produce", "body": body_of_one(topic), "connections": CONNECTIONS}
            return await load(
                running,
                "benchmarks.flood",
                **order,
                per_s=per_s,
                seconds=FLOOD_S * self._scale,
                statuses=[TAKEN, REFUSED],
            )

    def _server(self) -> AbstractAsyncContextManager[Server]:
        environment = {
            "KAFKA_BOOTSTRAP_SERVERS": self._arena.servers,
            "HTTP_MAX_IN_FLIGHT": str(IN_FLIGHT),
            "PRODUCER_LINGER_MS": str(LINGER_MS),
        }
        return server("-m", "app", "server", "--no-consumers", environment=environment)


def _notes(measured: dict[str, float]) -> str:
    times = f"refused {measured[f'{REFUSED}_per_s']:,.0f}/s, p50 {measured[f'{REFUSED}_p50_ms']:.1f}"
    return f" ({times}, p99 {measured[f'{REFUSED}_p99_ms']:.1f} ms, {measured['cpu_us']:.0f} µs CPU)"
