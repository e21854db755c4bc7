"""Streams of lines through the real service: flat memory, a client that uploads before it reads, one that goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.scenarios.lines_client import lines_client
from tests.scenarios.stage import Stage
from tests.service_process import ServiceProcess, service
from tests.waiting import until

LINES = 30_000
GROWTH_MIB = 60
"""A stream may grow the process by its windows, buffers and caches; the results of LINES alone take 4 MiB, the lines
3 MiB, and as Python objects all of them some 75 MiB."""


def rss_mib(process: ServiceProcess) -> int:
    """Resident memory of a process."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) // 1024


def messages(topic: str, number: int) -> Iterator[dict[str, Any]]:
    return ({"topic": topic, "payload": {"n": n}, "key": str(n)} for n in range(number))


@asynccontextmanager
async def watched(process: ServiceProcess) -> AsyncIterator[list[int]]:
    """What the process's memory is, every 20 ms."""
    seen = [rss_mib(process)]

    async def watch() -> None:
        while True:
            seen.append(rss_mib(process))
            await asyncio.sleep(0.02)

    watching = asyncio.create_task(watch())
    try:
        yield seen
    finally:
        watching.cancel()


async def produced(process: ServiceProcess) -> dict[str, Any]:
    """The dashboard's figures of producing."""
    answer = await process.client.get("/dashboard", headers={"accept": "application/json"})
    document: dict[str, Any] = answer.json()["produce"]
    return document


async def test_memory_stays_flat_whether_the_client_reads_at_once_or_last(kafka: str, stage: Stage) -> None:
    topic = await stage.topic(3)
    async with service(kafka, "--no-consumers") as process:
        await process.until_ready()
        async with lines_client(process.port) as client:  # so that caches and buffers are there before
            await client.send(messages(topic, 5000))
            await client.end()
            assert await client.read()
        for reads_at_once in (True, False):
            async with lines_client(process.port) as client, watched(process) as seen:
                reading = asyncio.ensure_future(client.read()) if reads_at_once else None
                await client.send(messages(topic, LINES))
                await client.end()
                assert await (reading or client.read())
                assert client.by_status == {"delivered": LINES}
                assert max(seen) - seen[0] < GROWTH_MIB


async def test_clients_that_go_leave_no_message_and_no_task_behind(kafka: str, stage: Stage) -> None:
    topic = await stage.topic(3)
    async with service(kafka, "--no-consumers") as process:
        await process.until_ready()
        for _ in range(8):
            async with lines_client(process.port) as client:
                await client.send(messages(topic, 2000))
                client.abort()

        async def settled() -> bool:
            figures = await produced(process)
            return bool(figures["accepted"] == figures["delivered"] + figures["failed"] + figures["unknown"])

        await until(settled, "all accepted messages have their verdicts", 20)
        async with lines_client(process.port) as client:
            await client.send(messages(topic, 10))
            await client.end()
            assert await client.read()
        assert "ERROR" not in process.text
        assert "Traceback" not in process.text
