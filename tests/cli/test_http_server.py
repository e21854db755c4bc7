"""A server that ends breaks off no call."""

from __future__ import annotations

import asyncio
import functools
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
import uvloop

from app.cli.gathering import GatheringProtocol
from app.cli.http_server import Server
from tests.waiting import until

CALL = b"GET / HTTP/1.1\r\nhost: here\r\n\r\n"
BOUND_S = 5
PIECE = b"x" * 100_000
SENT_BYTES = 20_000_000
"""More than the kernel keeps of both sides."""


def on_uvloop(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """A test on the event loop of the process: when a connection is accepted is the loop's own."""

    @functools.wraps(test)
    def run(*arguments: object, **named: object) -> None:
        async def running() -> None:
            await test(*arguments, **named)

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(running())

    return run


@dataclass
class Running:
    """A server, whose application answers when it may."""

    server: Server
    listener: socket.socket
    calls: int = 0
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    async def application(self, scope: Any, receive: Any, send: Any) -> None:
        self.calls += 1
        await self.may_answer.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    def connected(self) -> socket.socket:
        """A connection that the kernel has taken; the server has not had its turn yet."""
        connection = socket.create_connection(self.listener.getsockname(), timeout=BOUND_S)
        connection.setblocking(False)
        return connection

    async def kept(self) -> socket.socket:
        """A connection that has brought a call, which was answered."""
        connection = self.connected()
        connection.sendall(CALL)
        answer = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(connection, 4096), BOUND_S)
        assert answer.endswith(b"ok")
        assert b"connection: close" not in answer
        return connection

    async def end(self) -> None:
        await asyncio.wait_for(self.server.shutdown([self.listener]), BOUND_S)


@asynccontextmanager
async def running() -> AsyncIterator[Running]:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await one.application(scope, receive, send)

    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    config = uvicorn.Config(
        application,
        http=GatheringProtocol,
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=1,
    )
    config.load()
    one = Running(Server(config), listener)
    one.may_answer.set()
    one.server.lifespan = config.lifespan_class(config)
    await one.server.startup([listener])
    try:
        yield one
    finally:
        if listener.fileno() != -1:
            await one.end()


async def all_of(connection: socket.socket) -> bytes:
    """What comes until the other side ends it. Raises ConnectionResetError where that breaks it off."""
    loop, received = asyncio.get_running_loop(), b""
    with connection:
        while data := await asyncio.wait_for(loop.sock_recv(connection, 4096), BOUND_S):
            received += data
    return received


@on_uvloop
async def test_a_call_on_a_kept_connection_that_is_not_read_yet_is_answered() -> None:
    async with running() as one:
        connection = await one.kept()
        connection.sendall(CALL)
        await one.end()
        answer = await all_of(connection)
    assert answer.endswith(b"ok")
    assert b"connection: close" in answer


@on_uvloop
async def test_a_call_on_a_connection_that_is_not_accepted_yet_is_answered() -> None:
    async with running() as one:
        connection = one.connected()
        connection.sendall(CALL)
        await one.end()
        answer = await all_of(connection)
    assert answer.endswith(b"ok")
    assert b"connection: close" in answer


@pytest.mark.parametrize("kept", [True, False])
@on_uvloop
async def test_a_call_that_comes_a_little_later_is_answered(kept: bool) -> None:
    async with running() as one:
        connection = await one.kept() if kept else one.connected()
        ending = asyncio.create_task(one.end())
        await until(lambda: one.listener.fileno() == -1, "nothing is accepted any more")
        connection.sendall(CALL)
        answer = await all_of(connection)
        await ending
    assert answer.endswith(b"ok")
    assert b"connection: close" in answer


@on_uvloop
async def test_nobody_can_connect_any_more() -> None:
    async with running() as one:
        address = one.listener.getsockname()
        await one.end()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, timeout=BOUND_S)


@on_uvloop
async def test_from_when_it_lets_go_answers_are_the_last_on_their_connections() -> None:
    async with running() as one:
        idle = await one.kept()
        one.may_answer.clear()
        waiting = one.connected()
        waiting.sendall(CALL)
        await until(lambda: one.calls == 2, "a call is in flight")
        one.server.let_go()
        one.may_answer.set()
        new = one.connected()
        for connection in (idle, new):
            connection.sendall(CALL)
        for connection in (waiting, idle, new):
            answer = await all_of(connection)
            assert answer.endswith(b"ok")
            assert b"connection: close" in answer
        assert not one.server.server_state.connections
        await one.end()


@on_uvloop
async def test_silent_connections_are_closed_in_an_orderly_way() -> None:
    async with running() as one:
        kept, new = await one.kept(), one.connected()
        await one.end()
        assert [await all_of(kept), await all_of(new)] == [b"", b""]


@on_uvloop
@pytest.mark.parametrize("ends", ["after the answer", "never"])
async def test_a_caller_that_sends_everything_before_it_reads_gets_its_answer(ends: str) -> None:
    async with running() as one:
        connection, loop = one.connected(), asyncio.get_running_loop()
        head = b"POST / HTTP/1.1\r\nhost: here\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % (2 * SENT_BYTES)
        await asyncio.wait_for(loop.sock_sendall(connection, head), BOUND_S)
        await until(lambda: one.calls == 1, "it is answered without its body being read")
        for _ in range(SENT_BYTES // len(PIECE)):
            await asyncio.wait_for(loop.sock_sendall(connection, PIECE), BOUND_S)
        if ends == "never":
            assert (await asyncio.wait_for(loop.sock_recv(connection, 4096), BOUND_S)).endswith(b"ok")
            await one.end()
            connection.close()
        else:
            assert (await all_of(connection)).endswith(b"ok")
        await until(lambda: not one.server.server_state.connections, "the connection is closed")


@on_uvloop
async def test_who_never_ends_sending_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.cli.gathering.LINGER_S", 0.05)
    async with running() as one:
        with one.connected() as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nhost: here\r\nconnection: close\r\ncontent-length: 9\r\n\r\n")
            await until(lambda: one.calls == 1, "a call is in flight")
            await until(lambda: not one.server.server_state.connections, "the connection is closed")


@on_uvloop
async def test_what_is_answered_never_ends_at_the_graceful_time() -> None:
    async with running() as one:
        one.may_answer.clear()
        connection = one.connected()
        connection.sendall(CALL)
        await until(lambda: one.calls == 1, "a call is in flight")
        await one.end()
        await until(lambda: not one.server.server_state.tasks, "nothing goes on")
        connection.close()
