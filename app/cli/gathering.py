"""Answers leave in one piece: uvicorn writes the head and the body of each apart, and every write that is done at once
is a call of the kernel, a tenth of a request's cost. And when the server ends, each is the last on its connection."""

from __future__ import annotations

import asyncio
import fcntl
import struct
import termios
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

GATHERED_BYTES = 64 * 1024
"""What is larger is written at once: copying it would cost more than a call of the kernel."""


class GatheringTransport:
    """A connection's transport that writes once in a turn of the event loop, in the order of its writes."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._chunks: list[bytes] = []
        self._size_bytes = 0

    def write(self, data: bytes) -> None:
        """Writes `data` before the next turn of the loop ends."""
        if self._size_bytes + len(data) > GATHERED_BYTES:
            self.flush()
            self._transport.write(data)
            return
        if not self._chunks:
            self._loop.call_soon(self.flush)
        self._chunks.append(data)
        self._size_bytes += len(data)

    def flush(self) -> None:
        """Writes what was gathered."""
        chunks, self._chunks, self._size_bytes = self._chunks, [], 0
        if chunks and not self._transport.is_closing():
            self._transport.write(chunks[0] if len(chunks) == 1 else b"".join(chunks))

    def close(self) -> None:
        """Writes what was gathered, then closes."""
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class EndingState(ServerState):
    """What the connections of a server share, and whether it is ending."""

    def __init__(self) -> None:
        super().__init__()
        self.ending = False


class GatheringProtocol(HttpToolsProtocol):
    """Uvicorn's protocol on such a transport."""

    server_state: EndingState

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as it is called
        self._gathering = GatheringTransport(transport)
        super().connection_made(self._gathering)  # type: ignore[arg-type]  # has what is used of one

    def on_headers_complete(self) -> None:
        """A call has come."""
        super().on_headers_complete()
        if self.server_state.ending:
            self.cycle.keep_alive = False

    def on_response_complete(self) -> None:
        """An answer does not wait for the end of the turn where it is the only one. Where there are more, those of a
        turn leave together: woken by each, the callers would take the processor from the next, a fifth of the rate."""
        if len(self.tasks) <= 1:
            self._gathering.flush()
        super().on_response_complete()

    def let_go(self) -> None:
        """The answer that is awaited, if one is, is the last."""
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def shutdown(self) -> None:
        """Closes once what is awaited is answered: a call, or what has come and is not read yet."""
        self.let_go()
        if (self.cycle is None or self.cycle.response_complete) and not self._unread_bytes():
            self.transport.close()

    def _unread_bytes(self) -> int:
        """How much the kernel holds for us: a close over it would be a reset."""
        if self.transport.is_closing():
            return 0
        answer = fcntl.ioctl(self.transport.get_extra_info("socket").fileno(), termios.FIONREAD, struct.pack("i", 0))
        return int(struct.unpack("i", answer)[0])
