"""`GET /receipts/{id}`: what became of a message that was produced with `mode=async`."""

from __future__ import annotations

import orjson

from app.api.calls import Call
from app.api.problems import Refusal
from app.api.receipts import Receipts
from app.api.replies import Reply
from app.errors import Fault


def read_receipt(call: Call, receipt_id: str, receipts: Receipts) -> Reply:
    """The receipt as it is now. Raises Refusal: unknown_receipt, invalid_parameter."""
    if b"prefer" in call.headers:
        fault = Fault("header.Prefer", "is not supported by this version: ask again instead of waiting")
        raise Refusal("invalid_parameter", str(fault), [fault])
    return Reply(200, orjson.dumps(receipts.find(receipt_id).document()))
