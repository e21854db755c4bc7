"""What a test gives to a consumer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
from pydantic import BaseModel

from app.messages import OutgoingMessage
from app.producing.contract import Encoded, encode

NO_LIMIT_BYTES = 1 << 40
HeadersGiven = Mapping[str, bytes | str | None] | Sequence[tuple[str, bytes | str | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One record for a consumer, as `record` makes it; `partition` and `offset` None: the next in line."""

    payload: Any
    key: bytes | str | None = None
    headers: HeadersGiven | None = None
    timestamp: int | datetime | None = None
    partition: int | None = None
    offset: int | None = None


def record(payload: Any, **fields: Any) -> Given:
    """A record with a key, headers, a timestamp (ms or an aware datetime), a partition or an offset of its own.

    `payload` is encoded as the producer does: bytes and str as they are, None as a tombstone, anything else as JSON,
    pydantic models and msgspec structs too.
    """
    return Given(payload=payload, **fields)


def as_given(given: Any, fields: Mapping[str, Any]) -> Given:
    """A payload or a `record`, with the `fields` that it does not have itself."""
    if not isinstance(given, Given):
        return Given(payload=given, **fields)
    return replace(given, **{name: value for name, value in fields.items() if getattr(given, name) is None})


def encoded(given: Given) -> Encoded:
    """The bytes of a record. Raises MessageInvalid."""
    payload = given.payload
    if isinstance(payload, BaseModel):
        payload = payload.model_dump_json()
    elif isinstance(payload, msgspec.Struct):
        payload = msgspec.json.encode(payload)
    message = OutgoingMessage(
        topic="given", payload=payload, key=given.key, headers=given.headers, timestamp=given.timestamp
    )
    return encode(message, NO_LIMIT_BYTES)
