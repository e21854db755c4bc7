"""`GET /receipts/{id}`: what became of a message that was produced with `mode=async`."""

from __future__ import annotations

import re

import orjson

from app.api.calls import Call
from app.api.receipts import Receipts
from app.api.replies import Reply

MAX_WAIT_S = 30
WAIT = re.compile(rb'(?:^|,)[ \t]*wait[ \t]*=[ \t]*"?([0-9]{1,9})"?[ \t]*(?=;|,|$)', re.I).search


async def read_receipt(call: Call, receipt_id: str, receipts: Receipts) -> Reply:
    """The receipt as it is now, or at its verdict where the caller prefers to wait. Raises Refusal."""
    receipt = receipts.find(receipt_id)
    wait_s = preferred_wait_s(call.headers.get(b"prefer", b""))
    if wait_s:
        await receipt.wait(wait_s)
    headers = [(b"cache-control", b"no-store")]
    if wait_s is not None:
        headers.append((b"preference-applied", b"wait=%d" % wait_s))
    return Reply(200, orjson.dumps(receipt.document()), headers=tuple(headers))


def preferred_wait_s(prefer: bytes) -> int | None:
    """Seconds of `Prefer: wait=N` (RFC 7240), at most 30; None without one: preferences that are not understood
    are not followed, and not refused."""
    match = WAIT(prefer)
    return None if match is None else min(int(match[1]), MAX_WAIT_S)
