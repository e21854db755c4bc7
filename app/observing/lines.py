"""The words of the log: one line for each kind of event."""

from __future__ import annotations

from collections.abc import Iterable

from app.events import LoopBlocked, LoopStuck
from app.messages import TopicPartition


def partitions_text(partitions: Iterable[TopicPartition]) -> str:
    """`example-0` for one partition of a topic, `example-[0,1]` for several; topics in order."""
    by_topic: dict[str, list[int]] = {}
    for topic, partition in sorted(partitions):
        by_topic.setdefault(topic, []).append(partition)
    return ", ".join(_of_topic(topic, numbers) for topic, numbers in by_topic.items())


def _of_topic(topic: str, numbers: list[int]) -> str:
    if len(numbers) == 1:
        return f"{topic}-{numbers[0]}"
    return f"{topic}-[{','.join(map(str, numbers))}]"


def counted(number: int, noun: str) -> str:
    """`1 message`, `2 messages`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def blocked_text(event: LoopBlocked | LoopStuck) -> str:
    """For how long the loop was blocked, by whom, and what to do about it."""
    happens = "was" if isinstance(event, LoopBlocked) else "has been"
    text = f"The event loop {happens} blocked for {event.blocked_ms / 1000:.1f} s"
    if event.culprit is None:
        return f"{text}, and none of its code was seen at work: was the process stopped, or without a processor?"
    remedy = "some code waits without await" if event.culprit.consumer is None else "use plain def or await"
    return f"{text} by {event.culprit}: {remedy}"


SHOWN_BYTES = 1000


def payload_text(payload: bytes | None) -> str:
    """How a line goes on where payloads are asked for: the first 1,000 bytes."""
    return "" if payload is None else f": {payload[:SHOWN_BYTES]!r}{'...' if len(payload) > SHOWN_BYTES else ''}"
