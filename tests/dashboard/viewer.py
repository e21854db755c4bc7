"""A browser that looks at a stream, in process: it reads events as they come and may leave."""

from __future__ import annotations

import asyncio
import json
from typing import Any, NamedTuple

from app.api.replies import Message
from tests.api.service import Service
from tests.waiting import until


class Event(NamedTuple):
    name: str
    data: Any


class Viewer:
    """One GET that accepts text/event-stream."""

    def __init__(
        self, service: Service, target: str, method: str = "GET", accept: str = "text/event-stream", secret: str = ""
    ) -> None:
        path, _, query = target.partition("?")
        self.scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(b"host", b"127.0.0.1:3000"), (b"accept", accept.encode())]
            + ([(b"x-api-key", secret.encode())] if secret else []),
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 3000),
        }
        self.status = 0
        self.text = ""
        self.ended = False
        self.reads = asyncio.Event()
        """Cleared: it takes nothing more."""
        self.reads.set()
        self._gone = asyncio.Event()
        self.call = asyncio.ensure_future(service.application(self.scope, self._receive, self._send))

    async def _receive(self) -> Message:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        await self.reads.wait()
        self.text += message.get("body", b"").decode()
        self.ended = not message.get("more_body", False)

    @property
    def events(self) -> list[Event]:
        """What has come so far, without comments."""
        blocks = [block for block in self.text.split("\n\n") if block.startswith("event: ")]
        lines = [block.split("\n") for block in blocks]
        return [Event(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in lines]

    async def until_events(self, count: int, timeout_s: float = 20.0) -> list[Event]:
        """The events, once there are so many."""
        await until(lambda: len(self.events) >= count, f"{count} events of {self.scope['path']}", timeout_s)
        return self.events

    async def leave(self) -> None:
        """Closes the connection; returns when the service has noticed."""
        self._gone.set()
        await asyncio.wait_for(self.call, 5)
