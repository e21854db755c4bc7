"""Reading a request's body within its limits, and what its headers say of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Generator
from types import CoroutineType, coroutine
from typing import Any

from app.api.admission import Admission
from app.api.calls import Call
from app.api.problems import Refusal
from app.api.replies import Message, Receive

MEDIA_TYPE = re.compile(rb"\s*([!#$%&'*+.^_`|~0-9a-z-]+/[!#$%&'*+.^_`|~0-9a-z-]+)\s*((?:;.*)?)", re.S | re.I).fullmatch
CHARSET = re.compile(rb";\s*charset\s*=\s*(\"[^\"]*\"|[^;\s]*)", re.I).findall
_TYPES_CACHED = 1000
_json_types: dict[bytes, bool] = {}


class ClientGone(Exception):
    """The client closed the connection before its body was there."""


def check_body_headers(call: Call) -> None:
    """Raises Refusal where the body is in a form that is not taken. No content type means JSON."""
    headers = call.headers
    if b"content-encoding" in headers and headers[b"content-encoding"].strip().lower() not in (b"", b"identity"):
        raise Refusal("unsupported_encoding", "Content-Encoding is not supported: send the body as it is")
    content_type = headers.get(b"content-type")
    if content_type is not None and not is_json(content_type):
        given = content_type.decode("latin-1")
        raise Refusal("unsupported_media_type", f"Send application/json in UTF-8, not {given[:100]!r}")
    if b"idempotency-key" in headers:
        raise Refusal("invalid_idempotency_key", "Idempotency-Key is not supported by this version: send none")


def is_json(content_type: bytes) -> bool:
    """Whether a Content-Type is JSON (also `*/*+json`) and any charset it names is UTF-8."""
    known = _json_types.get(content_type)
    if known is None:
        if len(_json_types) >= _TYPES_CACHED:
            _json_types.clear()
        known = _json_types[content_type] = _is_json(content_type)
    return known


def _is_json(content_type: bytes) -> bool:
    if not content_type.strip():
        return True
    match = MEDIA_TYPE(content_type)
    if match is None:
        return False
    name, parameters = match[1].lower(), match[2]
    charsets = {value.strip(b'"').lower() for value in CHARSET(parameters)}
    return (name == b"application/json" or name.endswith(b"+json")) and charsets <= {b"utf-8", b"utf8"}


async def read_body(call: Call, admission: Admission, stall_timeout_s: float) -> bytes:
    """The whole body. Raises Refusal (too large, overloaded, 408 after a stall) or ClientGone."""
    chunks: list[bytes] = []
    while True:
        message = await _next_message(call.receive, stall_timeout_s)
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk: bytes = message.get("body", b"")
        admission.hold_bytes(call, len(chunk))
        if not message.get("more_body", False):
            return b"".join([*chunks, chunk]) if chunks else chunk
        chunks.append(chunk)


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
