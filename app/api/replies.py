"""What is sent back: status, body, headers; two ASGI messages, built by hand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple, Protocol

from fastapi import Response

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

CALL = "demijohn.call"
"""Where a request's scope holds its `Call` on the ordinary routes."""
JSON = b"application/json"
NOSNIFF = (b"x-content-type-options", b"nosniff")
"""On every answer: browsers take it for what it says it is, so that no payload becomes a page or a script."""


class Reply(NamedTuple):
    """One answer, complete but for the headers that every answer has."""

    status: int
    body: bytes
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


class StreamedReply(Protocol):
    """An answer that is sent piece by piece, while the body still comes."""

    @property
    def status(self) -> int: ...
    async def send(self, send: Send, request_id: str, *more: tuple[bytes, bytes]) -> None:
        """Sends the whole answer, with `more` headers."""


async def send_reply(send: Send, reply: Reply, request_id: str, *more: tuple[bytes, bytes]) -> None:
    """Sends the whole answer, with `more` headers. What is sent to a client that has gone is dropped by the server."""
    headers = [
        (b"content-type", reply.content_type),
        (b"content-length", b"%d" % len(reply.body)),
        (b"x-request-id", request_id.encode("ascii")),
        NOSNIFF,
        *reply.headers,
        *more,
    ]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


def response_of(reply: Reply) -> Response:
    """The same answer as one that FastAPI can send."""
    response = Response(reply.body, reply.status)
    response.raw_headers = [
        (b"content-type", reply.content_type),
        (b"content-length", b"%d" % len(reply.body)),
        *reply.headers,
    ]
    return response
