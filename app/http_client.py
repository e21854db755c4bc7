"""Asks an HTTP server, this service's too, as a client outside does: connections that are kept, every wait bounded."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

import h11

READ_BYTES = 65_536
NO_HEADERS: Mapping[str, str] = {}


class NotConnected(ConnectionError):
    """There is no connection: nothing was sent."""


class HttpAnswer(NamedTuple):
    """What came back."""

    status: int
    body: bytes


class HttpClient:
    """Calls one server; at most `most_idle` connections are kept open between calls. Use it from one event loop."""

    def __init__(self, url: str, context: ssl.SSLContext | None = None, most_idle: int = 64) -> None:
        """`context`: what to believe of a server's certificate; by default what this machine believes."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url} is no URL of an HTTP server")
        tls = parts.scheme == "https"
        self._host = parts.hostname
        self._port = parts.port or (443 if tls else 80)
        self._authority = parts.netloc.rpartition("@")[2]
        self._root = parts.path.rstrip("/")
        self._context = (context or ssl.create_default_context()) if tls else None
        self._most_idle = most_idle
        self._idle: list[_Connection] = []

    async def get(self, path: str, timeout_s: float, headers: Mapping[str, str] = NO_HEADERS) -> HttpAnswer:
        """Raises OSError where no whole answer came: NotConnected where nothing was sent, TimeoutError in the end."""
        return await self._call("GET", path, headers, b"", timeout_s)

    async def post(
        self, path: str, body: bytes, timeout_s: float, headers: Mapping[str, str] = NO_HEADERS
    ) -> HttpAnswer:
        """As `get`. What was posted may have been taken although OSError was raised."""
        return await self._call("POST", path, {**headers, "Content-Length": str(len(body))}, body, timeout_s)

    async def close(self) -> None:
        """Closes what is kept open."""
        while self._idle:
            self._idle.pop().writer.close()

    async def _call(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, timeout_s: float
    ) -> HttpAnswer:
        request = h11.Request(
            method=method, target=self._root + path, headers=[("Host", self._authority), *headers.items()]
        )
        connection: _Connection | None = None
        try:
            async with asyncio.timeout(timeout_s):
                connection = self._kept() or await self._connect()
                answer = await connection.ask(request, body)
        except h11.RemoteProtocolError as error:
            raise ConnectionError(f"its answer is no HTTP: {error}") from error
        finally:
            if connection is not None:
                self._put_back(connection)
        return answer

    def _kept(self) -> _Connection | None:
        """An open one that the server has not closed meanwhile."""
        while self._idle:
            kept = self._idle.pop()
            if not kept.reader.at_eof():
                return kept
            kept.writer.close()
        return None

    async def _connect(self) -> _Connection:
        try:
            return _Connection(*await asyncio.open_connection(self._host, self._port, ssl=self._context))
        except OSError as error:
            raise NotConnected(f"{self._authority} cannot be connected to: {error}") from error

    def _put_back(self, connection: _Connection) -> None:
        if connection.ready() and len(self._idle) < self._most_idle:
            self._idle.append(connection)
        else:
            connection.writer.close()


class _Connection:
    """One connection, which answers one call after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._http = h11.Connection(h11.CLIENT)

    async def ask(self, request: h11.Request, body: bytes) -> HttpAnswer:
        for part in (request, h11.Data(data=body), h11.EndOfMessage()):
            self.writer.write(self._http.send(part) or b"")
        await self.writer.drain()
        status, parts = 0, list[bytes]()
        while True:
            event = await self._next()
            if isinstance(event, h11.EndOfMessage):
                return HttpAnswer(status, b"".join(parts))
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                parts.append(bytes(event.data))
            elif isinstance(event, h11.ConnectionClosed):
                raise ConnectionResetError("the server closed the connection")

    async def _next(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self.reader.read(READ_BYTES))
        return event

    def ready(self) -> bool:
        """Whether it can be asked again."""
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        return self._http.our_state is h11.IDLE and not self.writer.is_closing()
