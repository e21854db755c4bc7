"""What a message must be like, and its bytes. Every fault is found at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from app.errors import Fault, MessageInvalid, PayloadTooLarge
from app.messages import Headers, OutgoingMessage
from app.serialization import encode_json

TOPIC_NAME = re.compile(r"[A-Za-z0-9._-]{1,249}")
MAX_PARTITION = 2**31 - 1
MAX_TIMESTAMP_MS = 2**63 - 1
RECORD_OVERHEAD_BYTES = 31
"""Most that a v2 record adds to its key and value: 21 bytes of fields, 5 of each length."""
HEADER_OVERHEAD_BYTES = 10
NO_HEADERS: Headers = []
"""A list, as the client's batch builder takes no other sequence."""
_checked_topics: set[str] = set()
_CHECKED_TOPICS_MAX = 10_000


class Encoded(Struct, frozen=True):
    """A message as bytes. `size_bytes` is the most that its record can take, uncompressed."""

    value: bytes | None
    key: bytes | None
    partition_key: bytes | None
    headers: Headers
    timestamp_ms: int | None
    size_bytes: int


def encode(message: OutgoingMessage, max_payload_bytes: int) -> Encoded:
    """The bytes of `message`. Raises MessageInvalid with all faults, or PayloadTooLarge."""
    try:
        value = encode_value(message.payload)
        key = _text_or_bytes(message.key)
        partition_key = _text_or_bytes(message.partition_key)
        headers = _headers(message.headers)
        timestamp_ms = _timestamp(message.timestamp)
    except (TypeError, ValueError):
        raise MessageInvalid(list(_faults(message))) from None
    if not _is_topic(message.topic) or not _is_partition(message.partition):
        raise MessageInvalid(list(_faults(message)))
    size = RECORD_OVERHEAD_BYTES
    if value is not None:
        size += len(value)
        if len(value) > max_payload_bytes:
            raise PayloadTooLarge(
                f"The payload has {len(value)} bytes, PRODUCER_MAX_PAYLOAD_BYTES allows {max_payload_bytes}"
            )
    if key is not None:
        size += len(key)
    for name, content in headers:
        size += 3 * len(name) + len(content or b"") + HEADER_OVERHEAD_BYTES
    return Encoded(value, key, partition_key, headers, timestamp_ms, size)


def with_headers(encoded: Encoded, more: Headers) -> Encoded:
    """`encoded` with `more` headers behind its own."""
    size = encoded.size_bytes
    for name, content in more:
        size += 3 * len(name) + len(content or b"") + HEADER_OVERHEAD_BYTES
    return replace(encoded, headers=[*encoded.headers, *more], size_bytes=size)


def encode_value(payload: Any) -> bytes | None:
    """bytes and str as they are, None stays None, anything else as JSON. Raises TypeError or ValueError."""
    if payload is None or type(payload) is bytes:
        return payload
    if isinstance(payload, (bytes, bytearray, memoryview)):
        return bytes(payload)
    return payload.encode("utf-8") if isinstance(payload, str) else encode_json(payload)


def _text_or_bytes(value: Any) -> bytes | None:
    if value is None or type(value) is bytes:
        return value
    if isinstance(value, str):
        return value.encode("utf-8")
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    raise TypeError(f"must be bytes, str or None, not {type(value).__name__}")


def _headers(headers: Any) -> Headers:
    if not headers:
        return NO_HEADERS
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    encoded = []
    for pair in pairs:
        name, value = pair
        if not isinstance(name, str) or not name:
            raise TypeError("a header's name must be non-empty text")
        name.encode("utf-8")
        encoded.append((name, _text_or_bytes(value)))
    return encoded


def _timestamp(timestamp: Any) -> int | None:
    if timestamp is None:
        return None
    if isinstance(timestamp, datetime):
        if timestamp.tzinfo is None:
            raise ValueError("must have a time zone")
        timestamp = int(timestamp.timestamp() * 1000)
    if not isinstance(timestamp, int) or isinstance(timestamp, bool):
        raise TypeError("must be whole milliseconds or an aware datetime")
    if not 0 <= timestamp <= MAX_TIMESTAMP_MS:
        raise ValueError("must not be before 1970 nor beyond what Kafka can store")
    return timestamp


def _is_topic(topic: Any) -> bool:
    if topic in _checked_topics:
        return True
    if not isinstance(topic, str) or topic in (".", "..") or not TOPIC_NAME.fullmatch(topic):
        return False
    if len(_checked_topics) >= _CHECKED_TOPICS_MAX:
        _checked_topics.clear()
    _checked_topics.add(topic)
    return True


def _is_partition(partition: Any) -> bool:
    if partition is None:
        return True
    return isinstance(partition, int) and not isinstance(partition, bool) and 0 <= partition <= MAX_PARTITION


def _faults(message: OutgoingMessage) -> Iterator[Fault]:
    if not isinstance(message.topic, str) or not _is_topic(message.topic):
        yield Fault("topic", "must have 1 to 249 of A-Z a-z 0-9 . _ - and not be . or ..")
    parts: Sequence[tuple[str, Any, Any]] = (
        ("payload", encode_value, message.payload),
        ("key", _text_or_bytes, message.key),
        ("partition_key", _text_or_bytes, message.partition_key),
        ("headers", _headers, message.headers),
        ("timestamp", _timestamp, message.timestamp),
    )
    for path, encoder, value in parts:
        try:
            encoder(value)
        except (TypeError, ValueError) as error:
            yield Fault(path, str(error))
    if not _is_partition(message.partition):
        yield Fault("partition", f"must be a whole number from 0 to {MAX_PARTITION}, or None")
