"""What a dead letter becomes when it goes back: the message that it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from app.consuming.dead_letters import OWN_HEADERS
from app.messages import OutgoingMessage, Record

INTERNAL_PREFIXES = ("__", "demijohn_")


class NoWayBack(ValueError):
    """A record does not say where it came from, or came from where it may not go."""


class Origin(NamedTuple):
    """Where a dead letter came from. None: it does not say."""

    topic: str | None
    partition: int | None
    offset: int | None


def origin_of(record: Record) -> Origin:
    """What the headers of a dead letter say of its origin."""
    headers = dict(record.headers)
    topic = headers.get("source_topic")
    return Origin(
        topic.decode("utf-8", "replace") if topic else None,
        _number(headers.get("source_partition")),
        _number(headers.get("source_offset")),
    )


def _number(raw: bytes | None) -> int | None:
    return int(raw) if raw is not None and raw.isdigit() and len(raw) < 20 else None


def message_of(record: Record, target: str | None, partitions: Mapping[str, int]) -> OutgoingMessage:
    """The message to send: key, payload and timestamp of the record, its headers without those of the dead letter.

    To `target`, where its key says; or (None) to the topic that it came from, into the same partition as long as there
    is one. `partitions`: how many each topic has. Raises NoWayBack.
    """
    origin = origin_of(record)
    topic = target or origin.topic
    if topic is None:
        raise NoWayBack("it has no header source_topic: name a target")
    if is_internal(topic):
        raise NoWayBack(f"{topic} is not written by operators")
    if topic not in partitions:
        raise NoWayBack(f"the topic {topic} does not exist")
    at = origin.partition if topic == origin.topic else None
    return OutgoingMessage(
        topic=topic,
        payload=record.value,
        key=record.key,
        partition=at if at is not None and at < partitions[topic] else None,
        headers=[(name, value) for name, value in record.headers if name not in OWN_HEADERS],
        timestamp=max(0, record.timestamp),
    )


def is_internal(topic: str) -> bool:
    """Whether a topic is Kafka's or the service's own."""
    return topic.startswith(INTERNAL_PREFIXES)
