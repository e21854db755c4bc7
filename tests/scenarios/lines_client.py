"""A client of streams of lines on a bare socket: it sends and reads as a scenario says, and both at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

CHUNK_LINES = 500


class LinesClient:
    """One POST /produce/batch with a body of lines, chunked."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.status = 0
        self.results = 0
        self.last: dict[str, Any] = {}
        self.by_status: dict[str, int] = {}

    async def begin(self, port: int, query: str = "") -> None:
        """Sends the head of the request."""
        head = (
            f"POST /produce/batch{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        self._writer.write(head.encode())
        await self._writer.drain()

    async def send(self, messages: Iterable[Any]) -> None:
        """Sends a line for each, in large chunks."""
        lines: list[bytes] = []
        for message in messages:
            lines.append(json.dumps(message).encode() + b"\n")
            if len(lines) == CHUNK_LINES:
                await self._chunk(b"".join(lines))
                lines.clear()
        if lines:
            await self._chunk(b"".join(lines))

    async def _chunk(self, data: bytes) -> None:
        self._writer.write(b"%x\r\n%b\r\n" % (len(data), data))
        await self._writer.drain()

    async def end(self) -> None:
        """The body is complete."""
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()

    async def read(self) -> bool:
        """Reads result lines until the answer ends; whether it ended as an answer ends."""
        if not self.status:
            head = await self._reader.readuntil(b"\r\n\r\n")
            self.status = int(head.split(b" ", 2)[1])
        rest = b""
        while size := int(await self._reader.readline() or b"0", 16):
            *lines, rest = (rest + await self._reader.readexactly(size)).split(b"\n")
            await self._reader.readexactly(2)
            for line in lines:
                self._count(json.loads(line))
        return rest == b"" and (await self._reader.read(2)) == b"\r\n"

    def _count(self, result: dict[str, Any]) -> None:
        self.results += 1
        self.last = result
        self.by_status[result["status"]] = self.by_status.get(result["status"], 0) + 1

    def abort(self) -> None:
        """Closes the connection in the middle of everything."""
        self._writer.transport.abort()


@asynccontextmanager
async def lines_client(port: int, query: str = "") -> AsyncIterator[LinesClient]:
    """A client that has begun its request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024 * 1024)
    client = LinesClient(reader, writer)
    try:
        await client.begin(port, query)
        yield client
    finally:
        client.abort()
