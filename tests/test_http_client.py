"""The HTTP client keeps connections, bounds every wait, and says when no whole answer came."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.http_client import HttpClient, NotConnected
from tests.service_process import free_port


@asynccontextmanager
async def server(*answers: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Gives these answers, one for each request, on as many connections as it gets; remembers the requests."""
    left, seen, writers = list(answers), list[bytes](), list[asyncio.StreamWriter]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        seen.append(b"connected")
        while left:
            try:
                seen.append(await reader.readuntil(b"\r\n\r\n"))
            except asyncio.IncompleteReadError:
                break
            writer.write(left.pop(0))
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/root", seen
    for writer in writers:
        writer.close()


PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n"


async def test_one_connection_serves_call_after_call() -> None:
    async with server(PLAIN, CHUNKED) as (url, seen):
        client = HttpClient(url)
        assert await client.get("/x", 5, {"X-API-Key": "secret"}) == (200, b"ok")
        assert await client.post("/y", b"", 5) == (404, b"ab")
        await client.close()
    assert seen.count(b"connected") == 1
    assert seen[1].startswith(b"GET /root/x HTTP/1.1\r\n")
    assert b"X-API-Key: secret\r\n" in seen[1]


async def test_an_answer_that_is_cut_or_none_is_an_error() -> None:
    async with server(PLAIN[:-1]) as (url, _):
        with pytest.raises(ConnectionError):
            await HttpClient(url).get("/", 5)
    async with server(b"no http at all\r\n\r\n") as (url, _):
        with pytest.raises(ConnectionError, match="no whole answer"):
            await HttpClient(url).get("/", 5)


async def test_a_server_that_hangs_is_waited_for_no_longer_than_told() -> None:
    async with server(b"", b"") as (url, _):
        with pytest.raises(TimeoutError):
            await HttpClient(url).get("/", 0.1)


async def test_where_nobody_listens_nothing_was_sent() -> None:
    with pytest.raises(NotConnected, match="cannot be connected to"):
        await HttpClient(f"http://127.0.0.1:{free_port()}").post("/", b"x", 5)


def test_what_is_no_url_is_refused() -> None:
    with pytest.raises(ValueError, match="no URL"):
        HttpClient("localhost:3000")
    with pytest.raises(ValueError, match="no URL"):
        HttpClient("http://host:port")
