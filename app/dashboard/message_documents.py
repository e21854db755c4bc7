"""Messages as they stand in documents. Long ones take a while to lay out: to be run in a thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from app.dashboard.dated import dated
from app.exploring.contents import Content, content_of, masked
from app.exploring.explorer import MessageFound, MessagePage
from app.kafka.log_reader import StoredRecord
from app.observing.group_figures import rfc_3339

LIST_LETTERS = 2048
WHOLE_LETTERS = 1024 * 1024
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Show = Callable[[bytes | None], Content]


def shown_as(letters: int, hidden: bool) -> Show:
    """How contents are shown: at most so many letters, or nothing but sizes."""
    return masked if hidden else lambda raw: content_of(raw, letters)


def message_document(record: StoredRecord, show: Show) -> dict[str, Any]:
    """One message."""
    return {
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": time_of(record.timestamp),
        "timestamp_ms": None if record.timestamp < 0 else record.timestamp,
        "timestamp_type": "append" if record.by_broker else "create",
        "key": show(record.key).document(),
        "value": show(record.value).document(),
        "headers": [[name, show(value).document()] for name, value in record.headers],
        "size_bytes": size_of(record),
    }


def time_of(timestamp_ms: int) -> str | None:
    """RFC 3339; None where there is none, or where it is none that people could mean."""
    if timestamp_ms < 0:
        return None
    try:
        return rfc_3339(EPOCH + timedelta(milliseconds=timestamp_ms))
    except OverflowError:
        return None


def size_of(record: StoredRecord) -> int:
    """Bytes of key, value and headers."""
    headers = sum(len(name.encode("utf-8")) + len(value or b"") for name, value in record.headers)
    return len(record.key or b"") + len(record.value or b"") + headers


def page_document(topic: str, page: MessagePage, hidden: bool) -> Mapping[str, Any]:
    """A page of messages, in its order."""
    show = shown_as(LIST_LETTERS, hidden)
    return dated(
        {
            "topic": topic,
            "masked": hidden,
            "messages": [message_document(record, show) for record in page.messages],
            "scanned": {
                "messages": page.scanned.messages,
                "bytes": page.scanned.size_bytes,
                "offsets": page.scanned.offsets,
                "partitions": page.partitions,
            },
            "ended": page.ended,
            "older": page.older and page.older.text(),
            "newer": page.newer and page.newer.text(),
            "unreadable": _listed(page.unreadable),
        }
    )


def _listed(partitions: Sequence[int]) -> list[int]:
    return list(partitions)


def whole_document(topic: str, found: MessageFound, hidden: bool) -> Mapping[str, Any]:
    """One message, whole up to 1 MiB of each part."""
    message = message_document(found.message, shown_as(WHOLE_LETTERS, hidden))
    return dated({"topic": topic, "masked": hidden, **message, "previous": found.previous, "next": found.next})
