"""The HTTP server of the process, which ends without breaking off a call.

A call may be on its way when the server ends: written to a connection that was kept, or to one that the kernel has
taken and nobody has accepted. Closing either is answered with a reset, and the caller cannot know whether its messages
were sent. So the callers are told before (`connection: close`), what the kernel has taken is accepted, and what is
silent is closed only after a while, and only where nothing has come meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterator

import uvicorn

from app.cli.gathering import EndingState, GatheringProtocol

SILENT_S = 0.25
"""How long a connection that is kept open may still bring a call once nothing is accepted any more. Whoever calls more
often is never cut off; a longer time would only make stops longer, and HTTP_DRAIN_WAIT_S gives that to who wants it."""
LOOK_AGAIN_S = 0.01


class Server(uvicorn.Server):
    """Uvicorn without its own signal handlers: the service drains first, while the listener still answers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.server_state: EndingState = EndingState()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def let_go(self) -> None:
        """From now on every answer is the last on its connection, and says so."""
        self.server_state.ending = True
        for connection in self.server_state.connections:
            assert isinstance(connection, GatheringProtocol)
            connection.let_go()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accepts no more, answers what has come, and closes every connection. Takes at most SILENT_S before what is
        silent is closed, and then the graceful time of the configuration for what is not answered or read yet."""
        self.let_go()
        await self._end_listening(sockets or [])
        until = time.monotonic() + SILENT_S
        await asyncio.sleep(LOOK_AGAIN_S)  # what was accepted in this turn is not among the connections before the next
        while self.server_state.connections and time.monotonic() < until:
            await asyncio.sleep(LOOK_AGAIN_S)
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    async def _end_listening(self, sockets: list[socket.socket]) -> None:
        """Between the last look and the close there are a few microseconds: whoever connects in them is reset."""
        accepted = [connection for listener in sockets for connection in _waiting_at(listener)]
        for server, listener in zip(self.servers, sockets, strict=True):
            server.close()
            listener.close()
        if accepted:
            adopting = [asyncio.ensure_future(self._adopt(connection)) for connection in accepted]
            await asyncio.wait(adopting, timeout=SILENT_S)
            for adoption in adopting:
                adoption.cancel()
            await asyncio.wait(adopting, timeout=SILENT_S)

    async def _adopt(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):  # gone meanwhile, or what it speaks is no TLS
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection, ssl=self.config.ssl)

    def _protocol(self) -> GatheringProtocol:
        return GatheringProtocol(self.config, self.server_state, self.lifespan.state)


def _waiting_at(listener: socket.socket) -> Iterator[socket.socket]:
    """The connections that the kernel has taken."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        connection.setblocking(False)
        yield connection
