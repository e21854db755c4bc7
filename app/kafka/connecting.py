"""Connecting that may be given up half-way without leaving a socket and its reading task behind.

aiokafka forgets a connection whose making is cancelled before it is registered with its client; nobody closes it
then. Here such a step goes on alone to its own end, which the request timeout bounds, and is cleaned up after.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import aiokafka.client
import aiokafka.conn
from aiokafka.client import AIOKafkaClient

T = TypeVar("T")
_abandoned: set[asyncio.Future[Any]] = set()
"""Steps that go on alone; kept, as asyncio holds tasks weakly."""


async def finish_alone(step: Awaitable[T], clean_up: Callable[[T], Awaitable[object]]) -> T:
    """The result of `step`. Where the caller is cancelled `step` goes on, and then `clean_up(result)` is awaited."""
    running = asyncio.ensure_future(step)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        if not running.cancelled():
            _keep(asyncio.ensure_future(_clean_up_after(running, clean_up)))
        raise


async def _clean_up_after(running: asyncio.Future[T], clean_up: Callable[[T], Awaitable[object]]) -> None:
    await asyncio.wait({running})
    if not running.cancelled() and running.exception() is None:
        await clean_up(running.result())


def _keep(task: asyncio.Future[Any]) -> None:
    _abandoned.add(task)
    task.add_done_callback(_abandoned.discard)


async def _close_connection(connection: Any) -> None:
    if closing := connection.close():
        await closing


def replace_connecting() -> None:
    """Makes every aiokafka client of this process connect this way. May be called any number of times."""
    if AIOKafkaClient.bootstrap is _bootstrap:
        return
    AIOKafkaClient.bootstrap = _bootstrap
    aiokafka.client.create_conn = _create_conn


_original_bootstrap = AIOKafkaClient.bootstrap
_original_create_conn = aiokafka.conn.create_conn


async def _bootstrap(client: AIOKafkaClient) -> None:
    async def step() -> None:
        await _original_bootstrap(client)

    async def clean_up(_: None) -> None:
        await client.close()

    await finish_alone(step(), clean_up)


async def _create_conn(*arguments: Any, **options: Any) -> Any:
    return await finish_alone(_original_create_conn(*arguments, **options), _close_connection)
