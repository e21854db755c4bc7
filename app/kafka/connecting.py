"""Connecting that says why it failed, and may be given up half-way without leaving a socket and its task behind.

aiokafka forgets a connection whose making is cancelled before it is registered with its client; nobody closes it
then. Here such a step goes on alone to its own end, which the request timeout bounds, and is cleaned up after. And
where no bootstrap server can be used it raises their addresses only: here the cause of each is told.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, TypeVar

import aiokafka.client
import aiokafka.conn
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError, KafkaError

T = TypeVar("T")
_abandoned: set[asyncio.Future[Any]] = set()
"""Steps that go on alone; kept, as asyncio holds tasks weakly."""
MOST_CAUSES = 8
_causes: ContextVar[deque[tuple[str, str]] | None] = ContextVar("causes", default=None)
"""Servers, and why a bootstrap could not connect. Its client's tasks inherit it, so it is bounded."""
CLOSED = "the broker closed the connection at once: is KAFKA_SECURITY_PROTOCOL that of its listener?"
REFUSED_CERTIFICATE = (
    "the broker does not take our certificate (KAFKA_SSL_CERTFILE): missing, expired, or unknown to it"
)


class Unconnected(KafkaConnectionError):
    """No bootstrap server could be used; its text is why, server by server where they differ."""

    def __str__(self) -> str:
        causes: dict[str, str] = dict(self.args)
        if len(set(causes.values())) == 1:
            return next(iter(causes.values()))
        return "; ".join(f"{server}: {cause}" for server, cause in causes.items())


def cause_in_words(error: BaseException) -> str:
    """Why a connection could not be made: of one that broke meanwhile, what broke it."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    broken = error.__cause__ if isinstance(error, KafkaConnectionError) else None
    if isinstance(error if broken is None else broken, ssl.SSLCertVerificationError):
        return str(broken or error)
    if isinstance(broken, ssl.SSLError):
        words = broken.reason or str(broken)
        return f"{REFUSED_CERTIFICATE} ({words})" if "CERTIFICATE" in words else words
    if isinstance(broken, EOFError):
        return CLOSED
    return str(broken or error) or type(error).__name__


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


async def abandoned_ended(timeout_s: float) -> None:
    """Returns when the steps that go on alone on this loop are cleaned up after, at most after `timeout_s`: a loop that
    ends before them leaves their sockets to the collector."""
    loop = asyncio.get_running_loop()
    if left := {task for task in _abandoned if task.get_loop() is loop}:
        await asyncio.wait(left, timeout=timeout_s)


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
    causes: deque[tuple[str, str]] = deque(maxlen=MOST_CAUSES)

    async def step() -> None:
        _causes.set(causes)
        try:
            await _original_bootstrap(client)
        except KafkaConnectionError as error:
            if not causes:
                raise
            raise Unconnected(*causes) from error

    async def clean_up(_: None) -> None:
        await client.close()

    await finish_alone(step(), clean_up)


async def _create_conn(host: str, port: int, **options: Any) -> Any:
    try:
        return await finish_alone(_original_create_conn(host, port, **options), _close_connection)
    except (OSError, KafkaError, TimeoutError) as error:
        if (causes := _causes.get()) is not None:
            causes.append((f"{host}:{port}", cause_in_words(error)))
        raise
