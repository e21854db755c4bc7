"""The Kafka that everything runs against, topics with records in them, and servers as child processes."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from app.events import Monitor
from app.kafka.cluster import Cluster
from app.kafka.connection import prepare_aiokafka
from app.kafka.embedded.apache import ApacheCluster, node_options
from app.kafka.embedded.jars import DEFAULT_DIRECTORY, resolve_jars
from app.kafka.producer_client import open_producer
from app.producer import Producer
from app.settings import Settings

PARTITIONS = 6
RECORD_BYTES = 200
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
SERVER_START_S = 30.0
LOAD_TIMEOUT_S = 120.0


def payload(number: int) -> bytes:
    """A JSON value of about `RECORD_BYTES`."""
    head = {"id": number, "name": f"customer-{number % 1000}", "amount": number / 7, "tags": ["a", "b", "c"]}
    return json.dumps(head | {"text": "x" * (RECORD_BYTES - 90)}).encode()


class Arena:
    """One Kafka and its topics."""

    def __init__(self, servers: str) -> None:
        self.servers = servers
        self.settings = Settings.model_validate({"kafka_bootstrap_servers": servers})
        self._cluster = Cluster(self.settings, servers, Monitor())

    async def topic(self, records: int = 0, partitions: int = PARTITIONS, only: int | None = None) -> str:
        """A new topic with `records` in it, evenly spread or all in partition `only`."""
        name = f"bench-{uuid.uuid4().hex[:8]}"
        assert await self._cluster.create_topic(name, partitions, None, timeout_s=20)
        await self._cluster.refresh(timeout_s=10)
        await self.fill(name, records, partitions, only)
        return name

    async def fill(self, topic: str, records: int, partitions: int = PARTITIONS, only: int | None = None) -> None:
        """Writes `records` to a topic, evenly spread or all in partition `only`."""
        producer = Producer(
            self.settings, self._cluster, partial(open_producer, self.settings, self.servers), Monitor()
        )
        for start in range(0, records, 10_000):
            await producer.produce_many_sync(
                {
                    "topic": topic,
                    "payload": payload(number),
                    "key": f"k{number % 1000}",
                    "partition": only if only is not None else number % partitions,
                }
                for number in range(start, min(start + 10_000, records))
            )
        await producer.close(10)

    async def close(self) -> None:
        await self._cluster.stop()


@asynccontextmanager
async def arena() -> AsyncIterator[Arena]:
    """The Kafka that KAFKA_BOOTSTRAP_SERVERS names, else one of our own."""
    prepare_aiokafka()
    if given := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        made = Arena(given)
        yield made
        await made.close()
        return
    resolve_jars()
    with tempfile.TemporaryDirectory() as directory:
        cluster = ApacheCluster(Path(directory), options=node_options(DEFAULT_DIRECTORY, heap_mib=512))
        await cluster.start()
        made = Arena(cluster.bootstrap_servers)
        try:
            yield made
        finally:
            await made.close()
            await cluster.stop()


class Server:
    """A server in a process of its own."""

    def __init__(self, pid: int, port: int) -> None:
        self.pid = pid
        self.port = port

    def cpu_s(self) -> float:
        """Processor time that it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS

    def rss_mib(self) -> float:
        """Memory that it holds."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * PAGE_BYTES / 2**20


@asynccontextmanager
async def server(*arguments: str, environment: Mapping[str, str]) -> AsyncIterator[Server]:
    """Runs `python ARGUMENTS PORT`'s server until the end of the block; HTTP_PORT tells it the port."""
    port = free_port()
    log = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the process
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        env={**os.environ, "HTTP_PORT": str(port), **environment},
        stdout=log,
        stderr=log,
    )
    try:
        await _listens(port)
        yield Server(process.pid, port)
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 30)
            except TimeoutError:
                process.kill()
                await process.wait()
        log.close()


async def _listens(port: int) -> None:
    async with asyncio.timeout(SERVER_START_S):
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"GET /health/ready HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
                answer = await reader.read()
                writer.close()
                if b" 503 " not in answer[:20]:
                    return
            except OSError:
                pass
            await asyncio.sleep(0.1)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def load(target: Server, generator: str = "benchmarks.load", **order: Any) -> dict[str, float]:
    """Runs a load generator in a process of its own; what it has measured, and the server's CPU."""
    before = target.cpu_s()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", generator, json.dumps({"port": target.port, **order}), stdout=-1
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), LOAD_TIMEOUT_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0
    measured: dict[str, float] = json.loads(output)
    measured["cpu_us"] = (target.cpu_s() - before) / measured["requests"] * 1e6
    return measured
