"""Documents of pages as bytes: each is built once for all who want it at the same time."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

Document = Mapping[str, Any]
Build = Callable[[], Document | Awaitable[Document]]
KEPT = 256
MOST_BYTES = 32 * 1024 * 1024
"""Of all documents together: those asked for longest ago are forgotten first."""


@dataclass(slots=True)
class _Kept:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    begun_at: float = float("-inf")
    body: bytes = b""
    forgotten: bool = False


class Documents:
    """Keeps the latest bytes of each document, the last 256 asked for. Times are of `time.monotonic`."""

    def __init__(self) -> None:
        self._kept: OrderedDict[object, _Kept] = OrderedDict()
        self._bytes = 0

    async def body(self, identity: object, build: Build, max_age_s: float) -> bytes:
        """The document as JSON, made not longer than `max_age_s` ago. Raises what `build` raises.

        One that is being made right now counts only if it was begun late enough; so with 0, whoever asks sees what
        happened before he asked.
        """
        wanted_since = time.monotonic() - max_age_s
        kept = self._entry(identity)
        if kept.begun_at >= wanted_since:
            return kept.body
        async with kept.lock:
            if kept.begun_at < wanted_since:
                begun_at = time.monotonic()
                built = build()
                document = await built if inspect.isawaitable(built) else built
                self._keep(kept, orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS), begun_at)
            return kept.body

    def _keep(self, kept: _Kept, body: bytes, begun_at: float) -> None:
        if not kept.forgotten:
            self._bytes += len(body) - len(kept.body)
        kept.body, kept.begun_at = body, begun_at
        while self._bytes > MOST_BYTES and len(self._kept) > 1:
            self._forget()

    def _forget(self) -> None:
        _, oldest = self._kept.popitem(last=False)
        oldest.forgotten = True
        self._bytes -= len(oldest.body)

    def _entry(self, identity: object) -> _Kept:
        kept = self._kept.setdefault(identity, _Kept())
        self._kept.move_to_end(identity)
        if len(self._kept) > KEPT:
            self._forget()
        return kept
