"""Idempotency keys: the answer to a call is kept, and given again when the call is repeated."""

from __future__ import annotations

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, NamedTuple, Protocol

import orjson

from app.api.calls import Call
from app.api.problems import Refusal
from app.api.refusals import refusal_reply
from app.api.replies import Reply
from app.errors import Fault
from app.producing.handle import wait_for_future
from app.settings import Settings

KEY = re.compile(rb"[\x21-\x7e]{1,128}").fullmatch
KEPT = frozenset({200, 202, 207, 413, 422})
"""Statuses of answers that say what was stored, or that it never can be."""
UNKNOWN = 504
MAX_BYTES = 64 * 1024 * 1024
"""Most that the kept answers take together; the largest is that of a batch, about 1.5 MB."""
WAIT_RESERVE_S = 5.0
HEADER = b"idempotency-key"
REPLAYED = (b"idempotency-replayed", b"true")
NOTE_PENDING = "Send the call again with the same Idempotency-Key to wait for the verdict"
NOTE_UNKNOWN = "This is final and kept under the Idempotency-Key; with a new key the messages may be stored twice"
NOTE_PARTLY = "Kept under the Idempotency-Key: send the messages that failed again with a new key"


class Attempt(Protocol):
    """One call's work. `answer` may be called again after a 504: then it waits on for the same delivery.

    `conclusive`: whether its 2xx says what was stored. Where not, it is not kept, and where not `settled`, the call
    waits on when it is repeated.
    """

    async def answer(self, call: Call) -> Reply:
        """Raises Refusal."""

    @property
    def conclusive(self) -> bool: ...
    @property
    def settled(self) -> bool:
        """Whether no later call can be answered in another way."""


class Scope(NamedTuple):
    """What a key is valid for."""

    principal: str
    method: str
    path: str
    query: bytes
    key: bytes


class _Entry:
    """What is known of one key: its call is running, or has an answer, or waits for a verdict after a 504."""

    __slots__ = ("attempt", "expires_at", "fingerprint", "reply", "running", "shared")

    def __init__(self, fingerprint: bytes) -> None:
        self.fingerprint = fingerprint
        self.attempt: Attempt | None = None
        self.reply: Reply | None = None
        self.running: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.shared: Reply | None = None
        self.expires_at = 0.0

    @property
    def size_bytes(self) -> int:
        return 0 if self.reply is None else len(self.reply.body)


class Replays:
    """Keeps answers for HTTP_IDEMPOTENCY_TTL_S, at most HTTP_IDEMPOTENCY_MAX and MAX_BYTES; the oldest go first."""

    def __init__(self, settings: Settings) -> None:
        self._max = settings.http_idempotency_max
        self._ttl_s = settings.http_idempotency_ttl_s
        self._longest_s = settings.http_max_timeout_s + settings.producer_queue_full_wait_s + WAIT_RESERVE_S
        self._running: dict[Scope, _Entry] = {}
        self._ended: OrderedDict[Scope, _Entry] = OrderedDict()
        self._size_bytes = 0

    async def answer(self, call: Call, content: bytes, begin: Callable[[], Attempt]) -> Reply:
        """The answer to `call`, whose body is `content`: the one that is kept, or that of `begin`'s attempt.

        Raises Refusal: invalid_idempotency_key, idempotency_key_reused, overloaded, and what the attempt raises.
        """
        scope = scope_of(call)
        fingerprint = blake2b(content, digest_size=16).digest()
        while (entry := self._find(scope, fingerprint)) is not None:
            if entry.reply is not None:
                return _replayed(entry.reply)
            if scope not in self._running:
                return _replayed(await self._resume(scope, entry, call, begin))
            await wait_for_future(entry.running, self._longest_s)
            if not entry.running.done():
                raise Refusal("overloaded", "The call with this Idempotency-Key has been running for too long")
            if entry.shared is not None:
                return _replayed(entry.shared)
        self._make_room()
        return await self._run(scope, _Entry(fingerprint), call, begin)

    def _find(self, scope: Scope, fingerprint: bytes) -> _Entry | None:
        self._forget_old()
        entry = self._running.get(scope) or self._ended.get(scope)
        if entry is not None and entry.fingerprint != fingerprint:
            detail = "The Idempotency-Key was used with another body; every message needs its own key"
            raise Refusal("idempotency_key_reused", detail)
        return entry

    async def _resume(self, scope: Scope, entry: _Entry, call: Call, begin: Callable[[], Attempt]) -> Reply:
        del self._ended[scope]
        entry.running = asyncio.get_running_loop().create_future()
        return await self._run(scope, entry, call, begin)

    async def _run(self, scope: Scope, entry: _Entry, call: Call, begin: Callable[[], Attempt]) -> Reply:
        self._running[scope] = entry
        reply: Reply | None = None
        try:
            if entry.attempt is None:
                entry.attempt = begin()
            reply = await entry.attempt.answer(call)
        except Refusal as refusal:
            refused = refusal_reply(refusal, call)
            if refused.status not in KEPT and refused.status != UNKNOWN:
                raise
            reply = refused
        finally:
            del self._running[scope]
            if reply is not None:
                reply = self._conclude(scope, entry, reply)
            entry.shared = reply
            entry.running.set_result(None)
        return reply

    def _conclude(self, scope: Scope, entry: _Entry, reply: Reply) -> Reply:
        """Keeps what is to be kept; gives the answer with what has to be said about the key."""
        attempt = entry.attempt
        conclusive = reply.status in KEPT and (attempt is None or attempt.conclusive)
        pending = not conclusive and attempt is not None and not attempt.settled
        if reply.status == UNKNOWN:
            reply = _noted(reply, NOTE_PENDING if pending else NOTE_UNKNOWN)
        elif reply.status == 207:
            reply = _noted(reply, NOTE_PARTLY)
        if pending or conclusive or reply.status == UNKNOWN:
            entry.reply = None if pending else reply
            entry.attempt = entry.attempt if pending else None
            entry.expires_at = time.monotonic() + self._ttl_s
            self._ended[scope] = entry
            self._size_bytes += entry.size_bytes
        return reply

    def _make_room(self) -> None:
        while self._ended and (len(self._running) + len(self._ended) >= self._max or self._size_bytes > MAX_BYTES):
            self._forget_first()
        if len(self._running) >= self._max:
            raise Refusal("overloaded", f"{self._max} calls with an Idempotency-Key are running: try again later")

    def _forget_old(self) -> None:
        now = time.monotonic()
        while self._ended and next(iter(self._ended.values())).expires_at <= now:
            self._forget_first()

    def _forget_first(self) -> None:
        _, entry = self._ended.popitem(last=False)
        self._size_bytes -= entry.size_bytes


def scope_of(call: Call) -> Scope:
    """What the key of `call` is valid for. Raises Refusal `invalid_idempotency_key`."""
    key = call.headers[HEADER]
    if not KEY(key):
        raise _invalid("must have 1 to 128 visible ASCII characters")
    if b"," in key and sum(name == HEADER for name, _ in call.scope["headers"]) > 1:
        raise _invalid("is given more than once")
    return Scope(call.principal, call.method, call.path, call.query, key)


def _invalid(what: str) -> Refusal:
    fault = Fault("header.Idempotency-Key", what)
    return Refusal("invalid_idempotency_key", str(fault), [fault])


def _replayed(reply: Reply) -> Reply:
    return reply._replace(headers=(*reply.headers, REPLAYED))


def _noted(reply: Reply, note: str) -> Reply:
    """`reply` with the note in its `detail` (`message`, where it has the shape of Confluent's errors)."""
    document: dict[str, Any] = orjson.loads(reply.body)
    member = "message" if "error_code" in document else "detail"
    given = document.get(member)
    document[member] = f"{given}. {note}" if given else note
    return reply._replace(body=orjson.dumps(document))
