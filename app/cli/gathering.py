"""Answers leave in one piece: uvicorn writes the head and the body of each apart, and every write that is done at once
is a call of the kernel, a tenth of a request's cost. And when the server ends, each is the last on its connection."""

from __future__ import annotations

import asyncio
import fcntl
import struct
import termios
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

GATHERED_BYTES = 64 * 1024
"""What is larger is written at once: copying it would cost more than a call of the kernel."""
LINGER_S = 30.0
"""How long what a caller still sends after its answer is read, and thrown away: many read only when all is sent."""


class GatheringTransport:
    """A connection's transport that writes once in a turn of the event loop, in the order of its writes."""

    def __init__(self, transport: asyncio.Transport, is_sent_to: Callable[[], bool] = lambda: False) -> None:
        """`is_sent_to`: whether the other side is still sending, so that closing would be a reset."""
        self._transport = transport
        self._is_sent_to = is_sent_to
        self._lingering: asyncio.TimerHandle | None = None
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
        if chunks and not self.is_closing():
            self._transport.write(chunks[0] if len(chunks) == 1 else b"".join(chunks))

    @property
    def is_lingering(self) -> bool:
        """Whether the other side is told that nothing more comes, and what it still sends is to be thrown away."""
        return self._lingering is not None

    def is_closing(self) -> bool:
        return self._lingering is not None or self._transport.is_closing()

    def close(self) -> None:
        """Writes what was gathered, then closes: at once, or where the other side is still sending when it has ended,
        after LINGER_S at most. A reset would take from it the answer that it has not read yet."""
        if self.is_closing():
            return
        self.flush()
        if not self._is_sent_to():
            self._transport.close()
            return
        self._lingering = self._loop.call_later(LINGER_S, self._transport.abort)
        if self._transport.can_write_eof():
            self._transport.write_eof()

    def lost(self) -> None:
        """There is no connection any more."""
        if self._lingering is not None:
            self._lingering.cancel()

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
        self._gathering = GatheringTransport(transport, self._is_sent_to)
        super().connection_made(self._gathering)  # type: ignore[arg-type]  # has what is used of one

    def connection_lost(self, exc: Exception | None) -> None:
        self._gathering.lost()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Something has come: after the last answer nobody reads it."""
        if not self._gathering.is_lingering:
            super().data_received(data)

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
        if self._gathering.is_lingering:
            self.flow.resume_reading()
        super().on_response_complete()

    def let_go(self) -> None:
        """The answer that is awaited, if one is, is the last."""
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def shutdown(self) -> None:
        """Closes once what is awaited is answered: a call, or what has come and is not read yet."""
        self.let_go()
        if self._is_answered() and not self._unread_bytes():
            self.transport.close()

    def _is_answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _is_sent_to(self) -> bool:
        if not self._is_answered():
            return False  # what closes here breaks the answer off
        return (self.cycle is not None and self.cycle.more_body) or self._unread_bytes() > 0

    def _unread_bytes(self) -> int:
        """How much the kernel holds for us: a close over it would be a reset."""
        if self.transport.is_closing():
            return 0
        answer = fcntl.ioctl(self.transport.get_extra_info("socket").fileno(), termios.FIONREAD, struct.pack("i", 0))
        return int(struct.unpack("i", answer)[0])
