"""One Kafka node as a child process: its configuration, its start, its end."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ctypes
import fcntl
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from aiokafka.conn import create_conn
from aiokafka.errors import KafkaError
from aiokafka.protocol.metadata import MetadataRequest

from app.errors import EmbeddedBrokerError

PR_SET_PDEATHSIG = 1
LOG_TAIL_LINES = 12
STANDSTILL_TIMEOUT_S, STANDSTILL_LOOK_S = 1.0, 0.001
STANDING = ("T", "t", "Z", "X")
"""States of threads in /proc that run nothing: stopped, traced, dead."""


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """What a node is started with. `heap_mib` is Java's -Xmx; `properties` go over the defaults; `flags` are Java's."""

    java: str
    jars: Path
    heap_mib: int = 160
    properties: Mapping[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ports:
    """The two ports of a node, both on 127.0.0.1."""

    broker: int
    controller: int


def random_uuid() -> str:
    """A uuid as Kafka writes it: 22 characters of url-safe base64. None begins with a dash."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text


class Node:
    """One broker and controller in one process, with a directory of its own."""

    def __init__(self, node_id: int, directory: Path, ports: Ports, options: NodeOptions) -> None:
        self.node_id = node_id
        self.directory = directory
        self.ports = ports
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def prepare(self, cluster_id: str, properties: Mapping[str, str]) -> None:
        """Writes the node's configuration, and its identity where it has none yet."""
        data = self.directory / "data"
        data.mkdir(parents=True, exist_ok=True)
        identity = data / "meta.properties"
        if not identity.exists():
            identity.write_text(
                f"version=1\ncluster.id={cluster_id}\nnode.id={self.node_id}\ndirectory.id={random_uuid()}\n"
            )
        lines = {**properties, "log.dirs": str(data), **self._options.properties}
        text = "".join(f"{name}={value}\n" for name, value in lines.items())
        (self.directory / "server.properties").write_text(text)
        (self.directory / "log4j2.yaml").write_text(LOG4J2.format(file=self.directory / "kafka.log"))

    def spawn(self) -> None:
        """Starts the process. It dies with this one, whatever happens, and does not get the terminal's Ctrl-C.

        Raises EmbeddedBrokerError if another process uses the directory.
        """
        self._take_lock()
        options = self._options
        command = [
            options.java,
            f"-Xmx{options.heap_mib}m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            *options.flags,
            f"-Dlog4j2.configurationFile={self.directory / 'log4j2.yaml'}",
            "-cp",
            f"{options.jars}/*",
            "kafka.Kafka",
            str(self.directory / "server.properties"),
        ]
        with (self.directory / "console.log").open("wb") as console:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with(os.getpid()),
            )

    def _take_lock(self) -> None:
        if self._lock is not None:
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        lock = (self.directory / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise EmbeddedBrokerError(
                f"Another process runs a broker in {self.directory}: stop it or choose another directory"
            ) from error
        self._lock = lock

    async def answers(self, deadline: float) -> None:
        """Waits until the broker answers a request. Raises EmbeddedBrokerError with the end of its log."""
        while not await self._asked():
            if not self.running:
                raise EmbeddedBrokerError(f"Kafka ended with code {self._exit_code()}:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise EmbeddedBrokerError(f"Kafka did not answer in time:\n{self.log_tail()}")
            await asyncio.sleep(0.05)

    async def _asked(self) -> bool:
        try:
            connection = await create_conn("127.0.0.1", self.ports.broker, request_timeout_ms=2000)
        except (OSError, KafkaError, TimeoutError):
            return False
        try:
            metadata = await connection.send(MetadataRequest([]))
            return any(broker[0] == self.node_id for broker in metadata.brokers)
        except (OSError, KafkaError, TimeoutError):
            return False
        finally:
            closing = connection.close()
            if closing is not None:
                await asyncio.wait([closing], timeout=1)

    def _exit_code(self) -> int | None:
        return self._process.poll() if self._process else None

    async def stop(self, timeout_s: float) -> None:
        """SIGTERM, and SIGKILL after `timeout_s`. Nothing happens where it does not run."""
        if self._process is not None and self.running:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            if not await self._ended(timeout_s):
                self.signal(signal.SIGKILL)
                await self._ended(5)
        self._forget()

    async def kill(self) -> None:
        """SIGKILL, and waits for the end."""
        self.signal(signal.SIGKILL)
        await self._ended(5)
        self._forget()

    def signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, number)

    def await_standstill(self) -> None:
        """Returns when every thread of the stopped process stands still, within a second."""
        deadline = time.monotonic() + STANDSTILL_TIMEOUT_S
        while self._process is not None and _moves(self._process.pid) and time.monotonic() < deadline:
            time.sleep(STANDSTILL_LOOK_S)  # for tests, and a few milliseconds

    async def _ended(self, timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while self.running and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        return not self.running

    def _forget(self) -> None:
        self._process = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def log_tail(self) -> str:
        """The last lines that the node wrote."""
        lines: list[str] = []
        for name in ("kafka.log", "console.log"):
            path = self.directory / name
            if path.exists():
                lines += path.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
        return "\n".join(lines)


def _moves(pid: int) -> bool:
    """Whether any thread of a process may still run; False where the system does not tell."""
    for thread in Path(f"/proc/{pid}/task").glob("*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            if thread.read_text().rpartition(")")[2].split()[0] not in STANDING:
                return True
    return False


def _die_with(parent: int) -> Callable[[], None]:
    """What the child runs before Java: the kernel kills it when its parent goes, however it goes."""
    libc = ctypes.CDLL(None, use_errno=True)

    def prepare() -> None:
        if hasattr(libc, "prctl"):
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


LOG4J2 = """Configuration:
  status: error
  Appenders:
    File:
      name: file
      fileName: {file}
      append: false
      PatternLayout:
        pattern: "%d %p %c: %m%n"
  Loggers:
    Root:
      level: warn
      AppenderRef:
        ref: file
"""
