"""The service as operators run it: `python -m app server` in a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.waiting import until

ROOT = Path(__file__).parents[1]
QUICK = {
    "CONSUMER_HEARTBEAT_MS": "500",
    "CONSUMER_SESSION_TIMEOUT_MS": "6000",
    "CONSUMER_REBALANCE_TIMEOUT_MS": "10000",
    "CONSUMER_DRAIN_MS": "3000",
    "CONSUMER_COMMIT_INTERVAL_MS": "500",
    "CONSUMER_PAUSE_MS": "100",
    "CONSUMER_METADATA_MAX_AGE_MS": "1000",
    "KAFKA_REQUEST_TIMEOUT_MS": "5000",
    "FLEET": "off",
}
"""Settings that make a test quick where production wants patience. Without a fleet: tests share a Kafka, and instances
of different tests would see each other."""


class ServiceProcess:
    """One run of the service. `log` is what it has printed so far, both streams, line after line."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        self.log: list[str] = []
        self.client = httpx.AsyncClient(base_url=self.url, timeout=35, trust_env=False)
        self._process = process
        self._reading = asyncio.create_task(self._read())

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def text(self) -> str:
        """The log as one text."""
        return "\n".join(self.log)

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.log.append(line.decode().rstrip("\n"))

    async def _status(self, path: str) -> int:
        assert self._process.returncode is None, self.text
        try:
            return (await self.client.get(path)).status_code
        except httpx.TransportError:
            return 0

    async def until_ready(self, timeout_s: float = 30) -> None:
        """Waits until /health/ready says yes."""
        await self._until(lambda: self._answers("/health/ready"), "the service is ready", timeout_s)

    async def until_live(self, timeout_s: float = 15) -> None:
        """Waits until /health/live says yes."""
        await self._until(lambda: self._answers("/health/live"), "the service is live", timeout_s)

    async def _answers(self, path: str) -> bool:
        return await self._status(path) == 200

    async def until_logged(self, text: str, timeout_s: float = 20) -> None:
        """Waits until a line of the log contains `text`."""
        await self._until(lambda: any(text in line for line in self.log), f"{text!r} in the log", timeout_s)

    async def _until(self, condition: object, what: str, timeout_s: float) -> None:
        try:
            await until(condition, what, timeout_s)  # type: ignore[arg-type]  # one of the two kinds that it takes
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.text}") from error

    async def produce(self, topic: str, payload: object, **fields: object) -> httpx.Response:
        """POST /produce; `mode` is a query parameter, the other fields go into the body."""
        mode = {"mode": str(fields.pop("mode"))} if "mode" in fields else {}
        return await self.client.post("/produce", params=mode, json={"topic": topic, "payload": payload, **fields})

    def send(self, number: signal.Signals) -> None:
        """Sends a signal."""
        self._process.send_signal(number)

    async def ended(self, timeout_s: float = 30) -> int:
        """Its exit code, once it has ended and its log is complete. Fails if that takes longer."""
        try:
            code = await asyncio.wait_for(self._process.wait(), timeout_s)
        except TimeoutError as error:
            raise AssertionError(f"still running after {timeout_s:g} s\n{self.text}") from error
        await asyncio.wait_for(self._reading, 5)
        return code

    async def close(self) -> None:
        """Ends it whatever it does."""
        await self.client.aclose()
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        await asyncio.wait({self._reading}, timeout=5)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def service(
    servers: str,
    *arguments: str,
    program: Sequence[str] = ("app", "server"),
    draw: str = "app.routing:draw",
    cwd: Path = ROOT,
    environment: Mapping[str, str] | None = None,
    **settings: object,
) -> AsyncIterator[ServiceProcess]:
    """Runs `python -m app server ARGUMENTS` on a free port, and kills it at the end where it still runs.

    `program` is another module to run, with its first arguments. `settings` are environment variables in lower
    case. Nothing of this process's own settings is inherited.
    """
    port = int(str(settings.pop("http_port", 0))) or free_port()
    given = {name.upper(): str(value) for name, value in settings.items()}
    inherited = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "JAVA_HOME")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", *program, *arguments),
        cwd=cwd,
        env={
            **inherited,
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "HTTP_PORT": str(port),
            "KAFKA_BOOTSTRAP_SERVERS": servers,
            "ROUTES": draw,
            **QUICK,
            **given,
            **(environment or {}),
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    running = ServiceProcess(process, port)
    try:
        yield running
    finally:
        await running.close()
