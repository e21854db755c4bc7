"""One NDJSON call led by the hand: a test says when lines come, and when the client reads."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.api.service import Service, until


class Stream:
    """POST /produce/batch of a client that sends and reads as the test says."""

    def __init__(self, service: Service, query: str = "", **headers: str) -> None:
        self._incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._lines = bytearray()
        self.started: dict[str, Any] | None = None
        self.complete = False
        self.waiting_to_send = 0
        given = {"content-type": "application/x-ndjson", "host": "127.0.0.1:3000", **headers}
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/produce/batch",
            "raw_path": b"/produce/batch",
            "root_path": "",
            "scheme": "http",
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
            "client": ("127.0.0.1", 1),
        }
        self.task = asyncio.create_task(service.application(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        return await self._incoming.get()

    async def _send(self, message: Any) -> None:
        self.waiting_to_send += 1
        await self._may_read.wait()
        self.waiting_to_send -= 1
        if message["type"] == "http.response.start":
            self.started = message
            return
        self._lines += message["body"]
        self.complete = not message.get("more_body", False)

    def give(self, *lines: Any) -> None:
        """These come: bytes as they are, other values as JSON in a line."""
        for line in lines:
            body = line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n"
            self._incoming.put_nowait({"type": "http.request", "body": body, "more_body": True})

    def end(self) -> None:
        """The body is complete."""
        self._incoming.put_nowait({"type": "http.request", "body": b"", "more_body": False})

    def leave(self) -> None:
        """The client closes the connection."""
        self._incoming.put_nowait({"type": "http.disconnect"})
        self._may_read.set()

    def stop_reading(self) -> None:
        self._may_read.clear()

    def read_on(self) -> None:
        self._may_read.set()

    @property
    def taken(self) -> bool:
        """Whether everything that came was received."""
        return self._incoming.empty()

    @property
    def results(self) -> list[dict[str, Any]]:
        """The result lines so far."""
        return [json.loads(line) for line in bytes(self._lines).split(b"\n")[:-1]]

    async def until_results(self, number: int) -> list[dict[str, Any]]:
        """The results, once there are so many."""
        await until(lambda: self._lines.count(b"\n") >= number)
        return self.results

    async def ended(self) -> list[dict[str, Any]]:
        """All results, once the call is over."""
        async with asyncio.timeout(20):
            await self.task
        return self.results
