"""Reading a request's body within its limits, and what its headers say of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Generator
from types import CoroutineType, coroutine
from typing import Any

from app.api.admission import Admission
from app.api.calls import Call
from app.api.encodings import Inflater, inflater
from app.api.media_types import is_json
from app.api.problems import Refusal
from app.api.replies import Message, Receive

YIELD_EVERY = 16
"""After so many inflated pieces other requests get their turn on the loop."""


class ClientGone(Exception):
    """The client closed the connection before its body was there."""


def check_content_type(call: Call) -> None:
    """Raises Refusal where the body is not JSON in UTF-8. No content type means JSON."""
    content_type = call.headers.get(b"content-type")
    if content_type is not None and not is_json(content_type):
        given = content_type.decode("latin-1")
        raise Refusal("unsupported_media_type", f"Send application/json in UTF-8, not {given[:100]!r}")


def check_content_encoding(call: Call) -> None:
    """Raises Refusal `unsupported_encoding` where the body has a content coding that is not undone."""
    if b"content-encoding" in call.headers:
        inflater(call.headers[b"content-encoding"])


async def read_body(call: Call, admission: Admission, stall_timeout_s: float) -> bytes:
    """The whole body, its content codings undone. Raises Refusal (too large, overloaded, corrupt_encoding,
    unsupported_encoding, 408 after a stall) or ClientGone."""
    chunks: list[bytes] = []
    if b"content-encoding" in call.headers and (coded := inflater(call.headers[b"content-encoding"])):
        return await _read_inflated(call, coded, admission, stall_timeout_s)
    while True:
        message = await _next_message(call.receive, stall_timeout_s)
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk: bytes = message.get("body", b"")
        admission.hold_bytes(call, len(chunk))
        if not message.get("more_body", False):
            return b"".join([*chunks, chunk]) if chunks else chunk
        chunks.append(chunk)


async def _read_inflated(call: Call, coded: Inflater, admission: Admission, stall_timeout_s: float) -> bytes:
    """Neither what is sent nor what it inflates to may be larger than the limit."""
    pieces: list[bytes] = []
    sent_bytes = 0
    async for chunk in chunks_of(call.receive, stall_timeout_s):
        sent_bytes += len(chunk)
        admission.check_size(sent_bytes)
        for number, piece in enumerate(coded.feed(chunk)):
            admission.hold_bytes(call, len(piece))
            pieces.append(piece)
            if number % YIELD_EVERY == YIELD_EVERY - 1:
                await asyncio.sleep(0)
    coded.finish()
    return b"".join(pieces)


async def chunks_of(receive: Receive, stall_timeout_s: float) -> AsyncIterator[bytes]:
    """The body as it comes. Raises Refusal `request_timeout` after a stall, or ClientGone."""
    more = True
    while more:
        message = await _next_message(receive, stall_timeout_s)
        if message["type"] == "http.disconnect":
            raise ClientGone
        yield message.get("body", b"")
        more = message.get("more_body", False)


async def _next_message(receive: Receive, stall_timeout_s: float) -> Message:
    """What comes next, within the time. Most bodies are there already: those cost no timer."""
    receiving = receive()
    if not isinstance(receiving, CoroutineType):
        return await _in_time(receiving, stall_timeout_s)
    try:
        waits_for = receiving.send(None)
    except StopIteration as done:
        message: Message = done.value
        return message
    return await _in_time(_resumed(receiving, waits_for), stall_timeout_s)


async def _in_time(receiving: Awaitable[Message], stall_timeout_s: float) -> Message:
    try:
        async with asyncio.timeout(stall_timeout_s):
            return await receiving
    except TimeoutError:
        detail = f"No more of the body came within {stall_timeout_s:g} s (HTTP_BODY_TIMEOUT_S)"
        raise Refusal("request_timeout", detail) from None


@coroutine
def _resumed(begun: CoroutineType[Any, Any, Message], waits_for: Any) -> Generator[Any, Any, Message]:
    """Goes on with a coroutine that was begun by hand and now waits for something."""
    try:
        while True:
            try:
                sent = yield waits_for
            except BaseException as error:
                waits_for = begun.throw(error)
            else:
                waits_for = begun.send(sent)
    except StopIteration as done:
        message: Message = done.value
        return message
