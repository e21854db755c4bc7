"""500 connections at once, thousands of calls, some of them cut: all are counted, no socket and no task is left."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.scenarios.stage import Stage
from tests.service_process import ServiceProcess, service
from tests.waiting import until

CONNECTIONS = 500
CALLS = int(os.environ.get("DEMIJOHN_CALLS", "5000"))
"""100,000 take a minute or two, and are the figure that the claim was first made with."""
LOOKS = 300
CUT_EVERY = 10
"""One connection of so many closes in the middle of its last call."""


def request(process: ServiceProcess, topic: str) -> bytes:
    body = json.dumps({"topic": topic, "payload": {"ping": "pong"}}).encode()
    head = (
        f"POST /produce HTTP/1.1\r\nHost: 127.0.0.1:{process.port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def connection(process: ServiceProcess, call: bytes, calls: int, *, cut: bool) -> int:
    """Makes calls one after the other; how many were answered with 200."""
    reader, writer = await asyncio.open_connection("127.0.0.1", process.port)
    well = 0
    for _ in range(calls):
        writer.write(call)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
        await reader.readexactly(int(length.split(b":")[1]))
        well += head.startswith(b"HTTP/1.1 200 ")
    if cut:
        writer.write(call[:-5])
        await writer.drain()
        writer.transport.abort()
    writer.close()
    return well


def open_files(process: ServiceProcess, kafka: str) -> int:
    """How many files and sockets it has open, but for its own connections to Kafka, some of which it makes late."""
    ports = {int(server.rpartition(":")[2]) for server in kafka.split(",")}
    lines = [line.split() for line in Path(f"/proc/{process.pid}/net/tcp").read_text().splitlines()[1:]]
    to_kafka = {f"socket:[{line[9]}]" for line in lines if int(line[2].rpartition(":")[2], 16) in ports}
    return sum(target not in to_kafka for target in _targets(Path(f"/proc/{process.pid}/fd")))


def _targets(directory: Path) -> Iterator[str]:
    for file in directory.iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed in between
            yield os.readlink(file)


async def open_tasks(process: ServiceProcess) -> int:
    metrics = (await process.client.get("/metrics")).text
    found = re.search(r"^demijohn_event_loop_tasks (\d+)", metrics, re.MULTILINE)
    assert found is not None
    return int(found[1])


async def at_rest(process: ServiceProcess, kafka: str) -> tuple[int, int]:
    """The most files and the most tasks that it has while nobody asks it for anything else, in three hundred looks."""
    looks = [(open_files(process, kafka), await open_tasks(process)) for _ in range(LOOKS)]
    return max(files for files, _ in looks), max(tasks for _, tasks in looks)


async def figures(process: ServiceProcess) -> dict[str, Any]:
    answer = await process.client.get("/dashboard", headers={"accept": "application/json"})
    document: dict[str, Any] = answer.json()["produce"]
    return document


async def test_every_call_is_answered_and_every_socket_closed(kafka: str, stage: Stage) -> None:
    topic = await stage.topic(6)
    async with service(kafka, "--no-consumers") as process:
        await process.until_ready()
        call = request(process, topic)
        assert await connection(process, call, 1, cut=False) == 1
        await figures(process)
        files, tasks = await at_rest(process, kafka)
        each = CALLS // CONNECTIONS
        cuts = [number % CUT_EVERY == 0 for number in range(CONNECTIONS)]
        answered = await asyncio.gather(*(connection(process, call, each, cut=cut) for cut in cuts))
        assert sum(answered) == each * CONNECTIONS
        await until(lambda: open_files(process, kafka) <= files, "all sockets are closed", 20)

        async def no_more_tasks() -> bool:
            return await open_tasks(process) <= tasks

        await until(no_more_tasks, "all tasks have ended", 20)
        produced = await figures(process)
        assert produced["accepted"] == produced["delivered"] == each * CONNECTIONS + 1
        metrics = (await process.client.get("/metrics")).text
        assert f'route="/produce",status="499"}} {sum(cuts)}.0' in metrics
        assert "demijohn_produce_in_flight 0.0" in metrics
        assert "Traceback" not in process.text
