"""Rows of the HTTP side. Servers run in processes of their own, and so does the load generator."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from benchmarks.arena import Arena, Server, load, payload, server
from benchmarks.rows import Figures, Measure, Row


def message_to(topic: str) -> dict[str, Any]:
    """What every call sends."""
    return {"topic": topic, "key": "k-123", "payload": json.loads(payload(1234))}


def body_of_one(topic: str) -> str:
    """The body of `POST /produce`."""
    return json.dumps(message_to(topic))


class Serving:
    """Measures of HTTP servers. `scale` shortens the runs."""

    def __init__(self, arena: Arena, scale: float) -> None:
        self._arena = arena
        self._topic = ""
        self._scale = scale

    async def prepare(self) -> None:
        """Creates the topic that is written to."""
        self._topic = await self._arena.topic()

    def rows(self) -> list[Row]:
        """All of them."""
        single = self._single
        return [
            Row(
                "http-64", "single sync, 64 connections, to a lean route", 0.75, single("lean", 64), single("ours", 64)
            ),
            Row(
                "http-200",
                "single sync, 200 connections, to a lean route",
                0.75,
                single("lean", 200),
                single("ours", 200),
            ),
            Row("http-usual", "… to the usual FastAPI route", 3.0, single("usual", 64), single("ours", 64)),
            Row(
                "http-batch",
                "100 records a request, 16 connections, to send per record",
                1.2,
                self._batch("lean"),
                self._batch("ours"),
            ),
            Row(
                "http-1",
                "p50 on 1 connection, to a lean route",
                1.2,
                single("lean", 1, "p50_ms"),
                single("ours", 1, "p50_ms"),
                more_is_better=False,
            ),
            Row("http-async", "accepted async, 64 connections, to own sync", 1.0, single("ours", 64), self._queued()),
        ]

    def _single(self, name: str, connections: int, figure: str = "per_s") -> Measure:
        requests = int((3000 if connections == 1 else 40_000 if name != "usual" else 12_000) * self._scale)
        order = {"path": "/produce", "connections": connections, "requests": requests}
        return lambda: self._measure(name, figure, {**order, "body": self._body()})

    def _queued(self) -> Measure:
        order = {"path": "/produce?mode=async", "connections": 64, "requests": int(40_000 * self._scale)}
        return lambda: self._measure("ours", "per_s", {**order, "body": self._body()})

    def _batch(self, name: str) -> Measure:
        order = {"path": "/produce/batch", "connections": 16, "requests": int(4000 * self._scale)}
        return lambda: self._measure(name, "per_s", {**order, "body": self._batch_body()})

    def _body(self) -> str:
        return body_of_one(self._topic)

    def _batch_body(self) -> str:
        messages = [{**message_to(self._topic), "key": f"k-{number}"} for number in range(100)]
        return json.dumps({"messages": messages})

    async def _measure(self, name: str, figure: str, order: Mapping[str, Any]) -> Figures:
        async with self._server(name) as running:
            measured = await load(running, **order)
        times = f"p50 {measured['p50_ms']:.1f}, p99 {measured['p99_ms']:.1f} ms"
        unit = "ms" if figure == "p50_ms" else "requests/s"
        return Figures(measured[figure], unit, f" ({times}, {measured['cpu_us']:.0f} µs CPU)")

    def _server(self, name: str) -> Any:
        environment = {"KAFKA_BOOTSTRAP_SERVERS": self._arena.servers}
        if name == "ours":
            return server("-m", "app", "server", "--no-consumers", environment=environment)
        return server("-m", "benchmarks.references", name, environment=environment)

    async def memory(self) -> tuple[float, float]:
        """MiB of our server: idle, and at the end of a load of 64 connections."""
        environment = {"KAFKA_BOOTSTRAP_SERVERS": self._arena.servers}
        async with server("-m", "app", "server", environment=environment) as running:
            idle = running.rss_mib()
            await self._press(running)
            return idle, running.rss_mib()

    async def _press(self, running: Server) -> None:
        order = {"path": "/produce", "body": self._body(), "connections": 64}
        await load(running, **order, requests=int(40_000 * self._scale))

    async def ceiling(self) -> float:
        """Requests/s of a route that does nothing: what server and load generator can do at most."""
        order = {"path": "/produce", "body": self._body(), "connections": 64}
        return (await self._measure("trivial", "per_s", {**order, "requests": int(40_000 * self._scale)})).value
