"""Stores a record that keeps failing in its DLQ, with headers that say where it came from and why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from app.error_words import class_name, error_text
from app.errors import MessageFailed
from app.messages import Headers, Record
from app.producer import Producer

MAX_ERROR_BYTES = 1024
TRACE_PARENT = "traceparent"
OWN_HEADERS = frozenset(
    {
        "source_topic",
        "source_partition",
        "source_offset",
        "source_timestamp",
        "source_consumer_group",
        "source_attempts",
        "source_trace_id",
        "error_class",
        "error_message",
        "failed_at",
    }
)


async def dispatch(
    producer: Producer, dlq_topic: str, record: Record, *, group: str, attempts: int, error: BaseException
) -> None:
    """Stores `record` in `dlq_topic` and waits for the broker's word. Raises ProduceError, KafkaUnavailable."""
    fields = await dead_letter(producer, dlq_topic, record, group=group, attempts=attempts, error=error)
    await producer.produce_sync(**fields)


async def dead_letter(
    producer: Producer, dlq_topic: str, record: Record, *, group: str, attempts: int, error: BaseException
) -> dict[str, Any]:
    """The fields of the message that `record` becomes in `dlq_topic`. Raises KafkaUnavailable.

    Records of one source partition go to one DLQ partition, in order: `partition % partitions of the DLQ`.
    """
    count = await producer.partition_count(dlq_topic)
    return {
        "topic": dlq_topic,
        "payload": record.value,
        "key": record.key,
        "partition": record.partition % count if count else 0,
        "headers": dead_letter_headers(record, group=group, attempts=attempts, error=error),
        "timestamp": max(0, record.timestamp),
    }


def dead_letter_headers(record: Record, *, group: str, attempts: int, error: BaseException) -> Headers:
    """The record's own headers without those of an earlier hop, then where it came from and why, as text."""
    cause = error.__cause__ if isinstance(error, MessageFailed) and error.__cause__ else error
    facts = {
        "source_topic": record.topic,
        "source_partition": str(record.partition),
        "source_offset": str(record.offset),
        "source_timestamp": str(record.timestamp),
        "source_consumer_group": group,
        "source_attempts": str(attempts),
        "error_class": class_name(cause),
        "error_message": shortened(error_text(cause)),
        "failed_at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    if traced := trace_id(record.headers):
        facts["source_trace_id"] = traced
    kept = [(name, value) for name, value in record.headers if name not in OWN_HEADERS]
    return [*kept, *((name, text.encode("utf-8", "replace")) for name, text in facts.items())]


def shortened(text: str) -> str:
    """`text` in at most 1 KiB of UTF-8, cut between characters."""
    raw = text.encode("utf-8", "replace")
    return raw[:MAX_ERROR_BYTES].decode("utf-8", "ignore")


def trace_id(headers: Headers) -> str | None:
    """The id of the trace that `traceparent` names."""
    value = dict(headers).get(TRACE_PARENT)
    parts = value.decode("ascii", "replace").split("-") if value else []
    return parts[1] if len(parts) >= 4 and len(parts[1]) == 32 else None
