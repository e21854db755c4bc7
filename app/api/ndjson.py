"""`POST /produce/batch` with `application/x-ndjson`: lines in, a result line for each out, both as they come."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, NamedTuple

import orjson

from app.api.admission import Admission
from app.api.bodies import ClientGone
from app.api.calls import Call
from app.api.encodings import Inflater, inflater
from app.api.line_messages import CallLines, LineMessages, LineResult
from app.api.lines import Lines
from app.api.problems import Refusal, code_of, errors_of
from app.api.produce_options import ProduceOptions
from app.api.replies import NOSNIFF, Message, Send
from app.api.spool import Spool, SpoolBudget
from app.errors import Fault
from app.settings import Settings

NDJSON = b"application/x-ndjson"
MAX_PENDING = 2000
"""Messages of one stream that wait for their verdicts; more would only wait longer."""
MAX_PENDING_BYTES = 4 * 1024 * 1024
TAKEN_AT_ONCE = 100
"""So many lines are taken before other requests get their turn on the loop."""
LINES_AT_ONCE = 256
TICK_S = 0.01
"""A wait for the end of a silence ends so much later, so that it has ended then."""
LINGER_S = 0.5
"""How long the rest of a body is read after the last line, as a connection that is closed before may lose it."""


class Limits(NamedTuple):
    """What one line may have, what waits for verdicts, and how long both sides may be silent."""

    line_bytes: int
    pending_bytes: int
    silence_s: float


class NdjsonStreams:
    """Opens streams. All share one bound of what is spooled."""

    def __init__(self, settings: Settings, admission: Admission, messages: LineMessages) -> None:
        line_bytes = settings.http_max_body_bytes
        self._limits = Limits(line_bytes, min(line_bytes, MAX_PENDING_BYTES), settings.http_body_timeout_s)
        self._admission = admission
        self._messages = messages
        self._budget = SpoolBudget()

    def open(self, call: Call, options: ProduceOptions) -> NdjsonStream:
        """The answer to `call`. Raises Refusal for what can be known before the first line."""
        if b"idempotency-key" in call.headers:
            fault = Fault("header.Idempotency-Key", "is not taken on streams: what was stored is told line by line")
            raise Refusal("invalid_idempotency_key", str(fault), [fault])
        if options.atomic:
            fault = Fault(
                "query.atomic", "is not possible for a stream: its first lines are stored before the last come"
            )
            raise Refusal("invalid_parameter", str(fault), [fault])
        coded = inflater(call.headers.get(b"content-encoding", b""))
        source = Source(call, coded, self._admission)
        return NdjsonStream(source, self._messages.of(call, options), Spool(self._budget), self._limits)


class Silence:
    """How long nothing has come and nothing could be sent."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    def end(self) -> None:
        """Something came, or was sent."""
        self._since = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._since


class Source:
    """The body of a call, its content codings undone, until the client or the service stops."""

    def __init__(self, call: Call, coded: Inflater | None, admission: Admission) -> None:
        self._receive = call.receive
        self._coded = coded
        self._refusing = admission.refusing
        self._stopping: asyncio.Task[Any] | None = None
        self._receiving: asyncio.Future[Message] | None = None
        self.complete = False

    @property
    def stopped(self) -> bool:
        """Whether the service takes no more messages."""
        return self._refusing.is_set()

    async def pieces(self, silence: Silence, max_silence_s: float, busy: Callable[[], bool]) -> AsyncIterator[bytes]:
        """What comes; ends early when the service stops. `busy` says whether more is to be sent without more
        coming. Raises Refusal (request_timeout, corrupt_encoding) or ClientGone."""
        while not self.complete and (message := await self._next(silence, max_silence_s, busy)) is not None:
            if message["type"] == "http.disconnect":
                self.complete = True
                raise ClientGone
            silence.end()
            self.complete = not message.get("more_body", False)
            chunk: bytes = message.get("body", b"")
            if self._coded is None:
                yield chunk
                continue
            for piece in self._coded.feed(chunk):
                yield piece
            if self.complete:
                self._coded.finish()

    async def _next(self, silence: Silence, max_silence_s: float, busy: Callable[[], bool]) -> Message | None:
        """None where the service stops. Raises Refusal `request_timeout`."""
        while not self.stopped:
            receiving = self._begin()
            self._stopping = self._stopping or asyncio.create_task(self._refusing.wait())
            waits: list[asyncio.Future[Any]] = [receiving, self._stopping]
            left_s = max(0.0, max_silence_s - silence.seconds)
            await asyncio.wait(waits, timeout=left_s + TICK_S, return_when=asyncio.FIRST_COMPLETED)
            if receiving.done():
                self._receiving = None
                return receiving.result()
            if busy():
                silence.end()
            elif silence.seconds >= max_silence_s:
                detail = f"Nothing came and nothing could be sent for {max_silence_s:g} s (HTTP_BODY_TIMEOUT_S)"
                raise Refusal("request_timeout", detail)
        return None

    def _begin(self) -> asyncio.Future[Message]:
        if self._receiving is None:
            self._receiving = asyncio.ensure_future(self._receive())
        return self._receiving

    async def linger(self, timeout_s: float) -> None:
        """Reads what still comes of the body and forgets it, until its end or the time is over."""
        deadline = time.monotonic() + timeout_s
        while not self.complete and (left_s := deadline - time.monotonic()) > 0:
            receiving = self._begin()
            await asyncio.wait({receiving}, timeout=left_s)
            if receiving.done():
                self._receiving = None
                message = receiving.result()
                self.complete = not message.get("more_body", False)

    async def close(self) -> None:
        """Ends what waits."""
        tasks: list[asyncio.Future[Any]] = [task for task in (self._stopping, self._receiving) if task is not None]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


class NdjsonStream:
    """One call. `send` does all of it: reads and takes lines on, settles them in order, sends their results."""

    status = 200

    def __init__(self, source: Source, messages: CallLines, spool: Spool, limits: Limits) -> None:
        self._source = source
        self._messages = messages
        self._spool = spool
        self._limits = limits
        self._silence = Silence()
        self._results: deque[LineResult | None] = deque()
        self._pending_bytes = 0
        self._arrived = asyncio.Event()
        self._settled = asyncio.Event()
        self._last_words: Refusal | None = None

    async def send(self, send: Send, request_id: str, *more: tuple[bytes, bytes]) -> None:
        """Answers the call. Raises ClientGone."""
        tasks: Sequence[asyncio.Task[None]] = (
            asyncio.create_task(self._take_lines(), name="ndjson-take"),
            asyncio.create_task(self._settle_lines(), name="ndjson-settle"),
        )
        try:
            await asyncio.sleep(0)  # so that a client that waits for 100 Continue gets it
            await self._send_results(send, request_id, more)
        finally:
            await self._close(tasks)

    async def _close(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        await self._source.close()
        self._spool.close()
        self._messages.close()
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def _take_lines(self) -> None:
        try:
            await self._take_all()
        except Refusal as refusal:
            self._last_words = refusal
        finally:
            self._results.append(None)
            self._arrived.set()

    async def _take_all(self) -> None:
        lines = Lines(self._limits.line_bytes)
        taken = 0
        pieces = self._source.pieces(self._silence, self._limits.silence_s, lambda: bool(self._results))
        async for piece in pieces:
            for line in lines.feed(piece):
                await self._take(line)
                taken += 1
                if taken % TAKEN_AT_ONCE == 0:
                    await asyncio.sleep(0)
        if self._source.complete:
            for line in lines.finish():
                await self._take(line)
        elif not self._messages.told_of_stop:
            self._append(self._messages.refuse_stopping())

    async def _take(self, line: bytes | None) -> None:
        size_bytes = len(line or b"")
        while self._spool.full or (
            self._results
            and (len(self._results) >= MAX_PENDING or self._pending_bytes + size_bytes > self._limits.pending_bytes)
        ):
            await self._room()
        if self._source.stopped:
            result = self._messages.refuse_stopping()
        elif line is None:
            result = self._messages.refuse_too_long()
        else:
            while self._results and not self._messages.fits(size_bytes):
                await self._room()
            result = await self._messages.take(line)
        self._append(result)

    def _append(self, result: LineResult) -> None:
        self._pending_bytes += result.size_bytes
        self._results.append(result)
        self._arrived.set()

    async def _room(self) -> None:
        if self._spool.full:
            await self._spool.room()
            return
        self._settled.clear()
        await self._settled.wait()

    async def _settle_lines(self) -> None:
        try:
            await self._settle_all()
        finally:
            self._spool.end()

    async def _settle_all(self) -> None:
        texts: list[bytes] = []
        while (result := await self._next_result(texts)) is not None:
            if not result.done:
                self._flush(texts)
                await result.settled()
            texts.append(result.line())
            self._results.popleft()
            self._pending_bytes -= result.size_bytes
            self._messages.release(result)
            self._settled.set()
            if len(texts) >= LINES_AT_ONCE:
                self._flush(texts)
                await asyncio.sleep(0)
        if self._last_words is not None:
            texts.append(last_line(self._last_words))
        self._flush(texts)

    async def _next_result(self, texts: list[bytes]) -> LineResult | None:
        while not self._results:
            self._flush(texts)
            self._arrived.clear()
            await self._arrived.wait()
        return self._results[0]

    def _flush(self, texts: list[bytes]) -> None:
        if texts:
            self._spool.put(b"".join(texts))
            texts.clear()

    async def _send_results(self, send: Send, request_id: str, more: Sequence[tuple[bytes, bytes]]) -> None:
        headers = [
            (b"content-type", NDJSON),
            (b"x-request-id", request_id.encode("ascii")),
            (b"cache-control", b"no-store"),
            NOSNIFF,
            (b"connection", b"close"),
            *more,
        ]
        await self._send_in_time(send, {"type": "http.response.start", "status": self.status, "headers": headers})
        while data := await self._spool.get():
            await self._send_in_time(send, {"type": "http.response.body", "body": data, "more_body": True})
            self._silence.end()
        await self._source.linger(LINGER_S)
        await self._send_in_time(send, {"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_in_time(self, send: Send, message: Message) -> None:
        """Raises ClientGone where nothing can be sent and nothing comes for too long."""
        sending = asyncio.ensure_future(send(message))
        try:
            while not sending.done():
                left_s = max(0.0, self._limits.silence_s - self._silence.seconds)
                await asyncio.wait({sending}, timeout=left_s + TICK_S)
                if not sending.done() and self._silence.seconds >= self._limits.silence_s:
                    raise ClientGone
        finally:
            sending.cancel()
            await asyncio.wait({sending})
        sending.result()


def last_line(refusal: Refusal) -> bytes:
    """The line that ends a stream before the body has ended."""
    status = "not_sent" if refusal.code == "draining" else "failed"
    document = {
        "status": status,
        "code": refusal.code,
        "detail": refusal.detail,
        "retriable": code_of(refusal.code).retriable,
        "errors": errors_of(refusal.faults),
        "label": None,
    }
    return orjson.dumps(document) + b"\n"
