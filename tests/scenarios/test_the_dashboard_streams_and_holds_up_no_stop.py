"""The dashboard's streams show what happens on the real Kafka, also while it is away, and hold up no stop."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx

from tests.scenarios.stage import Stage
from tests.service_process import ServiceProcess, free_port, service

PAGES = ("/dashboard", "/dashboard/health", "/dashboard/consumers", "/dashboard/api/history", "/dashboard/status")
Events = AsyncIterator[tuple[str, Any]]


@asynccontextmanager
async def streaming(process: ServiceProcess, path: str) -> AsyncIterator[Events]:
    """The events of a page as they come."""
    headers = {"accept": "text/event-stream"}
    async with process.client.stream("GET", f"{path}?refresh=2", headers=headers) as answer:
        assert answer.status_code == 200, path
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield events_of(answer)


async def events_of(answer: httpx.Response) -> Events:
    name = ""
    async for line in answer.aiter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


async def until_shown(events: Events, shown: Callable[[Any], bool]) -> Any:
    """The first document that is so."""
    async with asyncio.timeout(30):
        async for name, document in events:
            assert name == "document", document
            if shown(document):
                return document
    raise AssertionError("the stream has ended")


async def test_what_is_produced_is_seen_on_the_stream_and_a_stop_ends_it(stage: Stage, kafka: str) -> None:
    topic = await stage.topic()
    async with service(kafka, "--no-consumers") as process:
        await process.until_ready()
        async with AsyncExitStack() as stack:
            streams = [await stack.enter_async_context(streaming(process, path)) for path in PAGES * 2]
            for events in streams:
                assert await until_shown(events, lambda document: document["schema_version"] == 1)
            assert (await process.produce(topic, {"n": 1})).status_code == 200
            await until_shown(streams[0], lambda document: document["produce"]["delivered"] == 1)
            process.send(signal.SIGTERM)
            last = [[name async for name, _ in events][-1] for events in streams]
            assert set(last) == {"end"}
        assert await process.ended() == 0
        assert "running task" not in process.text, "the HTTP server has cut streams"


async def test_with_kafka_away_streams_go_on_and_say_so() -> None:
    async with service(f"127.0.0.1:{free_port()}") as process:
        await process.until_live()
        for path in PAGES:
            async with streaming(process, path) as events:
                document = await until_shown(events, lambda document: document["schema_version"] == 1)
                if path == "/dashboard":
                    assert not document["broker"]["reachable"]
        async with streaming(process, "/dashboard/status") as events:
            await until_shown(events, lambda document: document["checks"][2]["state"] == "bad")
            process.send(signal.SIGTERM)
        assert await process.ended() == 0
