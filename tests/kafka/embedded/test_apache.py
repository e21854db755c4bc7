"""A real Kafka as a child process: it keeps its data, and goes when its parent goes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from app.errors import EmbeddedBrokerError
from app.kafka.cluster import Cluster
from app.kafka.embedded.apache import ApacheCluster, node_options
from app.kafka.embedded.jars import DEFAULT_DIRECTORY
from app.kafka.producer_client import open_producer
from app.kafka.topic_writer import handed_over
from app.messages import TopicPartition
from tests.kafka.doubles import Remembering, batch_of, settings_of
from tests.waiting import until

ROOT = Path(__file__).parents[3]


def cluster_in(directory: Path, **options: int) -> ApacheCluster:
    return ApacheCluster(directory, options=node_options(DEFAULT_DIRECTORY), **options)


async def test_topics_and_records_survive_a_restart_on_the_same_port(tmp_path: Path) -> None:
    first = cluster_in(tmp_path)
    await first.start()
    servers = first.bootstrap_servers
    settings = settings_of(servers)
    view = Cluster(settings, servers, Remembering().monitor)
    await view.create_topic("kept", 1, timeout_s=10)
    client = await open_producer(settings, servers)
    assert await (await handed_over(client, batch_of(client, b"1", b"2"), TopicPartition("kept", 0), timeout_s=30)) == 0
    await client.stop(1)
    await view.stop()
    await first.stop()
    second = cluster_in(tmp_path)
    assert second.bootstrap_servers == servers
    await second.start()
    client = await open_producer(settings, servers)
    assert await (await handed_over(client, batch_of(client, b"3"), TopicPartition("kept", 0), timeout_s=30)) == 2
    await client.stop(1)
    await second.stop()
    assert not second.nodes[0].running


async def test_a_paused_node_does_nothing_more_once_that_is_said(own_kafka: ApacheCluster) -> None:
    process = own_kafka.nodes[0]._process
    assert process is not None
    for _ in range(20):
        own_kafka.pause_node(0)
        assert states_of(process.pid) == {"T"}
        own_kafka.resume_node(0)


def states_of(pid: int) -> set[str]:
    """The states of all threads of a process."""
    return {path.read_text().rpartition(")")[2].split()[0] for path in Path(f"/proc/{pid}/task").glob("*/stat")}


async def test_a_directory_in_use_is_refused(tmp_path: Path) -> None:
    first, second = cluster_in(tmp_path), cluster_in(tmp_path)
    await first.start()
    with pytest.raises(EmbeddedBrokerError, match="another"):
        await second.start()
    assert first.nodes[0].running
    await first.stop()


async def test_a_cluster_of_another_size_is_refused(tmp_path: Path) -> None:
    cluster_in(tmp_path)
    with pytest.raises(EmbeddedBrokerError, match="another size"):
        cluster_in(tmp_path, nodes=3)


async def test_a_broker_that_cannot_start_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    options = node_options(DEFAULT_DIRECTORY, properties={"log.retention.ms": "soon"})
    cluster = ApacheCluster(tmp_path, options=options)
    with pytest.raises(EmbeddedBrokerError, match="retention"):
        await cluster.start(30)
    assert not cluster.nodes[0].running


async def test_it_does_not_outlive_a_parent_that_was_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "app.kafka.embedded", "--port", "0", "--directory", str(tmp_path)]
    parent = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL)
    try:
        await until(lambda: _children(parent.pid), "the broker's process is there", 30)
        child = _children(parent.pid)[0]
        parent.kill()
        await parent.wait()
        await until(lambda: not _runs(child), "the broker has gone with its parent", 10)
    finally:
        if parent.returncode is None:
            parent.kill()
            await parent.wait()


async def test_in_the_foreground_it_says_how_to_be_used_and_ends_with_a_signal(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app.kafka.embedded", "--port", "0", "--directory", str(tmp_path)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    said = ""
    async with asyncio.timeout(40):
        while "KAFKA_BOOTSTRAP_SERVERS" not in said:
            line = await process.stdout.readline()
            assert line, said
            said += line.decode()
    process.send_signal(signal.SIGINT)
    assert await asyncio.wait_for(process.wait(), 20) == 0


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except FileNotFoundError:
        return []
    return [int(child) for child in text.split() if b"kafka.Kafka" in _command(int(child))]


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return b"kafka.Kafka" in _command(pid)
