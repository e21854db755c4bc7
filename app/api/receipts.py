"""Receipts of async calls: what became of each message, for a while, in bounded memory."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from datetime import UTC, datetime
from typing import Any

from app.api.problems import Refusal
from app.messages import Status
from app.producing.handle import DeliveryHandle, wait_for_future

SEPARATOR = "~"
TOKEN_DIGITS = 20
TOKENS_AT_ONCE = 512


class Receipt:
    """One async message. `settle` is called with its handle at the verdict, which cannot fail to come."""

    __slots__ = (
        "_store",
        "_verdict",
        "accepted_at",
        "code",
        "detail",
        "id",
        "offset",
        "partition",
        "settled_at",
        "status",
        "topic",
    )

    def __init__(self, receipt_id: str, topic: str, store: Receipts) -> None:
        self.id = receipt_id
        self.topic = topic
        self.accepted_at = time.time()
        self.status: Status | None = None
        self.partition: int | None = None
        self.offset: int | None = None
        self.code: str | None = None
        self.detail: str | None = None
        self.settled_at: float | None = None
        self._store = store
        self._verdict: asyncio.Future[None] | None = None

    def settle(self, handle: DeliveryHandle) -> None:
        """The verdict is there."""
        error = handle.error
        self.status = handle.status
        self.partition, self.offset = handle.partition, handle.offset
        if error is not None:
            self.code, self.detail = error.code, error.detail
        self.settled_at = time.time()
        self._store.settled(self)
        if self._verdict is not None and not self._verdict.done():
            self._verdict.set_result(None)

    async def wait(self, timeout_s: float) -> None:
        """Returns when the verdict is there, or after `timeout_s`."""
        if self.status is None:
            if self._verdict is None:
                self._verdict = asyncio.get_running_loop().create_future()
            await wait_for_future(self._verdict, timeout_s)

    def document(self) -> dict[str, Any]:
        """What GET /receipts/{id} answers."""
        return {
            "receipt_id": self.id,
            "status": self.status or "pending",
            "topic": self.topic,
            "partition": self.partition,
            "offset": self.offset,
            "code": self.code,
            "detail": self.detail,
            "accepted_at": rfc_3339_of(self.accepted_at),
            "settled_at": None if self.settled_at is None else rfc_3339_of(self.settled_at),
        }


class Tokens:
    """Random names that cannot be guessed, 80 bits each. The kernel is asked for many at once: asking for each
    would cost a tenth of an async call."""

    def __init__(self) -> None:
        self._hex = ""
        self._next = 0

    def new(self) -> str:
        """20 hexadecimal digits that were never given before."""
        start = self._next
        if start >= len(self._hex):
            self._hex, start = secrets.token_hex(TOKENS_AT_ONCE * TOKEN_DIGITS // 2), 0
        self._next = start + TOKEN_DIGITS
        return self._hex[start : self._next]


class Receipts:
    """Keeps at most `max_receipts`: settled ones for `ttl_s` after their verdict, the oldest settled go first."""

    def __init__(self, instance: str, max_receipts: int, ttl_s: float) -> None:
        self._instance = instance
        self._tokens = Tokens()
        self._max = max_receipts
        self._ttl_s = ttl_s
        self._by_id: dict[str, Receipt] = {}
        self._settled: deque[tuple[float, Receipt]] = deque()
        self._counts: dict[str, int] = {"pending": 0, "delivered": 0, "failed": 0, "unknown": 0}

    def new(self, topic: str) -> Receipt:
        """A pending receipt; it is kept from `keep` on."""
        return Receipt(f"{self._instance}{SEPARATOR}{self._tokens.new()}", topic, self)

    def check_room(self, receipts: int) -> None:
        """Raises Refusal `overloaded` where so many more cannot be kept because all others are pending."""
        if self._counts["pending"] + receipts > self._max:
            pending = f"{self._counts['pending']} receipts are pending, HTTP_RECEIPTS_MAX allows {self._max}"
            raise Refusal("overloaded", f"{pending}: nothing was taken, try again later")

    def keep(self, receipt: Receipt) -> None:
        """From now on `receipt` can be asked for."""
        self._forget_old()
        while len(self._by_id) >= self._max and self._settled:
            self._forget_first()
        self._by_id[receipt.id] = receipt
        self._counts[receipt.status or "pending"] += 1
        if receipt.status is not None:
            self._settled.append((time.monotonic(), receipt))

    def settled(self, receipt: Receipt) -> None:
        """`receipt` got its verdict."""
        if receipt.id not in self._by_id:
            return  # so quick that it is not kept yet
        self._counts["pending"] -= 1
        self._counts[receipt.status or "unknown"] += 1
        self._settled.append((time.monotonic(), receipt))

    def find(self, receipt_id: str) -> Receipt:
        """Raises Refusal `unknown_receipt`, which says which instance has it if that is another."""
        self._forget_old()
        receipt = self._by_id.get(receipt_id)
        if receipt is not None:
            return receipt
        owner, separator, _ = receipt_id.rpartition(SEPARATOR)
        if separator and owner != self._instance:
            raise Refusal("unknown_receipt", f"The receipt is held by the instance {owner}; this is {self._instance}")
        raise Refusal(
            "unknown_receipt",
            f"No such receipt: it is kept for {self._ttl_s:g} s after the verdict, and not over a restart",
        )

    def counts(self) -> dict[str, int]:
        """How many receipts are kept, by status."""
        self._forget_old()
        return dict(self._counts)

    def _forget_old(self) -> None:
        limit = time.monotonic() - self._ttl_s
        while self._settled and self._settled[0][0] < limit:
            self._forget_first()

    def _forget_first(self) -> None:
        _, receipt = self._settled.popleft()
        del self._by_id[receipt.id]
        self._counts[receipt.status or "unknown"] -= 1


def rfc_3339_of(timestamp_s: float) -> str:
    """A time in seconds since 1970 as RFC 3339, UTC, with milliseconds."""
    text = datetime.fromtimestamp(timestamp_s, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
