"""Server-sent events: answers that go on until the viewer leaves, the service drains, or they have lasted long enough.

The format is that of the HTML standard, section 9.2.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Iterable

from fastapi import Response

from app.api.problems import Refusal
from app.api.replies import CALL, Receive, Scope, Send
from app.events import ApiKeysLoaded, Monitor

KEEP_ALIVE_S = 15.0
"""A comment is sent after so long without an event, or proxies would take the connection for dead."""
MAX_LIFE_S = 600.0
"""Then the stream ends and the browser comes again."""
STALL_S = 30.0
"""A viewer who takes nothing for so long is left: what waits for him takes memory."""
END_S = 0.5
RECONNECT = b"retry: 1000\n\n"
COMMENT = b": still here\n\n"
END = b"event: end\ndata: {}\n\n"
MAX_STREAMS = 200
Events = AsyncGenerator[bytes, None]


def event(name: str, data: bytes) -> bytes:
    """One event with `data`, which is JSON without line breaks."""
    return b"event: %b\ndata: %b\n\n" % (name.encode("ascii"), data)


class Streams:
    """Counts streams, and tells them when to end: at the drain, and when API keys have changed, as the key of a viewer
    may have been taken away; browsers come again at once and are let in anew."""

    def __init__(self, draining: asyncio.Event, monitor: Monitor) -> None:
        self.draining = draining
        self.admitting = asyncio.Event()
        """Set when those who were let in until now have to ask again; then there is another one."""
        self.open = 0
        monitor.subscribe(ApiKeysLoaded, self._admit_anew)

    def _admit_anew(self, _: ApiKeysLoaded) -> None:
        self.admitting.set()
        self.admitting = asyncio.Event()

    def response(self, events: Events, headers: Iterable[tuple[str, str]]) -> EventStream:
        """An answer that sends `events`. Raises Refusal `overloaded` where there are too many."""
        if self.open >= MAX_STREAMS:
            raise Refusal("overloaded", f"{MAX_STREAMS} streams are open, which is the most that are served at once")
        return EventStream(events, self, headers)


class EventStream(Response):
    """Sends events as they come. Owns the tasks that wait for the next one, for the end and for the viewer to leave."""

    media_type = "text/event-stream"

    def __init__(self, events: Events, streams: Streams, headers: Iterable[tuple[str, str]]) -> None:
        super().__init__(headers=dict(headers))
        del self.headers["content-length"]
        self._events = events
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._streams.open += 1
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            if CALL in scope:
                scope[CALL].answered = time.perf_counter()
            await self._serve(receive, send)
        finally:
            self._streams.open -= 1

    async def _serve(self, receive: Receive, send: Send) -> None:
        sending = asyncio.create_task(self._send_events(send), name="event-stream")
        left = asyncio.create_task(_left(receive), name="event-stream-viewer")
        draining = asyncio.create_task(self._streams.draining.wait(), name="event-stream-end")
        readmitted = asyncio.create_task(self._streams.admitting.wait(), name="event-stream-keys")
        tasks = {sending, left, draining, readmitted}
        try:
            await asyncio.wait(tasks, timeout=MAX_LIFE_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        failure = None if sending.cancelled() else sending.exception()
        if not left.cancelled():
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                await _write(send, b"" if draining.cancelled() else END, more=False)
        if failure is not None:
            raise failure

    async def _send_events(self, send: Send) -> None:
        async with contextlib.aclosing(self._events) as events:
            with contextlib.suppress(TimeoutError):
                await _give(send, RECONNECT)
                await _give_all(send, events)


async def _give_all(send: Send, events: Events) -> None:
    """Raises TimeoutError where the viewer takes nothing."""
    coming = asyncio.ensure_future(anext(events))
    try:
        while True:
            done, _ = await asyncio.wait({coming}, timeout=KEEP_ALIVE_S)
            await _give(send, coming.result() if done else COMMENT)
            if done:
                coming = asyncio.ensure_future(anext(events))
    except StopAsyncIteration:
        return
    finally:
        coming.cancel()
        await asyncio.wait({coming})


async def _give(send: Send, data: bytes) -> None:
    async with asyncio.timeout(STALL_S):
        await _write(send, data)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _write(send: Send, data: bytes, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": more})
