"""Connecting that is given up half-way leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiokafka.client import AIOKafkaClient

from app.kafka.connecting import Unconnected, abandoned_ended, finish_alone, replace_connecting
from app.kafka.embedded.apache import ApacheCluster
from tests.waiting import until


class Silent:
    """A server that takes connections and never answers."""

    def __init__(self) -> None:
        self.open: set[asyncio.StreamWriter] = set()
        self.accepted = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self.open.add(writer)
        while await reader.read(4096):
            pass
        self.open.discard(writer)
        writer.close()


@pytest.fixture
async def silent() -> AsyncIterator[tuple[Silent, str]]:
    replace_connecting()
    server = Silent()
    async with await asyncio.start_server(server, "127.0.0.1", 0) as listening:
        yield server, f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"


async def test_a_bootstrap_that_is_given_up_closes_its_connection(silent: tuple[Silent, str]) -> None:
    server, address = silent
    before = asyncio.all_tasks()
    client = AIOKafkaClient(bootstrap_servers=address, request_timeout_ms=300)
    bootstrap = asyncio.create_task(client.bootstrap())
    await until(lambda: server.open, "the client has connected")
    bootstrap.cancel()
    await asyncio.wait({bootstrap})
    assert bootstrap.cancelled()
    await until(lambda: not server.open, "the connection was closed", 5)
    await client.close()
    await until(lambda: asyncio.all_tasks() <= before, "no task is left", 5)


async def test_a_client_that_is_given_up_at_any_moment_leaves_no_task(kafka: ApacheCluster) -> None:
    replace_connecting()
    before = asyncio.all_tasks()
    for turn in range(60):
        client = AIOKafkaClient(bootstrap_servers=kafka.bootstrap_servers)
        bootstrap = asyncio.create_task(client.bootstrap())
        await asyncio.wait({bootstrap}, timeout=turn * 0.0002)
        bootstrap.cancel()
        await asyncio.wait({bootstrap})
        await client.close()
    await until(lambda: asyncio.all_tasks() <= before, "no task is left", 5)


async def test_a_step_that_is_not_given_up_is_only_awaited() -> None:
    async def step() -> int:
        return 7

    async def clean_up(_: int) -> None:
        raise AssertionError("there is nothing to clean up")

    assert await finish_alone(step(), clean_up) == 7


async def test_a_step_that_fails_after_it_was_given_up_needs_no_cleaning() -> None:
    async def step() -> int:
        await asyncio.sleep(0.01)
        raise OSError("too late")

    async def clean_up(_: int) -> None:
        raise AssertionError("there is nothing to clean up")

    before = asyncio.all_tasks()
    caller = asyncio.create_task(finish_alone(step(), clean_up))
    await asyncio.sleep(0)
    caller.cancel()
    await asyncio.wait({caller})
    await until(lambda: asyncio.all_tasks() <= before, "it ended", 5)


async def test_what_goes_on_alone_can_be_waited_for_within_a_bound() -> None:
    made, cleaned = asyncio.Event(), asyncio.Event()

    async def clean_up(_: object) -> None:
        cleaned.set()

    caller = asyncio.create_task(finish_alone(made.wait(), clean_up))
    await asyncio.sleep(0)
    caller.cancel()
    await asyncio.wait({caller})
    await abandoned_ended(0.01)
    assert not cleaned.is_set()
    asyncio.get_running_loop().call_later(0.01, made.set)
    await abandoned_ended(5)
    assert cleaned.is_set()
    await abandoned_ended(0)


async def test_why_each_server_could_not_be_used_is_told() -> None:
    replace_connecting()

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as listening:
        closing = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        for servers, words in ((["127.0.0.1:1", closing], 2), ([closing], 1)):
            client = AIOKafkaClient(bootstrap_servers=servers)
            with pytest.raises(Unconnected, match="closed the connection at once") as caught:
                await client.bootstrap()
            await client.close()
            assert len(str(caught.value).split("; ")) == words
            assert ("Connect call failed" in str(caught.value)) is (words == 2)
