"""`atomic=true`: every fault that can be known before sending is looked for before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence

from app.api.batch_items import Item
from app.api.problems import Refusal
from app.api.services import Services
from app.api.single import missing_text
from app.errors import KafkaUnavailable, ProduceError
from app.messages import OutgoingMessage
from app.producing.contract import Encoded, encode

LOOKUP_TIMEOUT_S = 2.0
BATCH_OVERHEAD_BYTES = 61
"""Header of a v2 record batch, which carries at least one record."""


async def refuse_known_faults(items: Sequence[Item], services: Services) -> bool:
    """Refuses each item that has a fault; whether there is any. What Kafka cannot be asked now is not a fault."""
    for item in items:
        if (message := item.sendable) is not None:
            _check_contract(item, message, services)
    for topic in {item.sendable.topic for item in items if item.sendable is not None}:
        of_topic = [item for item in items if item.sendable is not None and item.sendable.topic == topic]
        try:
            await _check_topic(topic, of_topic, services)
        except KafkaUnavailable:
            break
    return any(item.refusal is not None for item in items)


def _check_contract(item: Item, message: OutgoingMessage, services: Services) -> None:
    try:
        encode(message, services.settings.producer_max_payload_bytes)
    except ProduceError as error:
        item.fail(error)


async def _check_topic(topic: str, items: Sequence[Item], services: Services) -> None:
    partitions = await services.cluster.partition_count(topic, timeout_s=LOOKUP_TIMEOUT_S)
    if partitions is None:
        for item in items:
            item.refuse(Refusal("unknown_topic", missing_text(topic)))
        return
    limit = await services.cluster.max_message_bytes(topic, timeout_s=LOOKUP_TIMEOUT_S)
    for item in items:
        if item.sendable is not None:
            _check_placement(item, item.sendable, partitions, limit, services)


def _check_placement(item: Item, message: OutgoingMessage, partitions: int, limit: int, services: Services) -> None:
    if message.partition is not None and message.partition >= partitions:
        text = f"Topic {message.topic} has partitions 0 to {partitions - 1}, not {message.partition}"
        item.refuse(Refusal("unknown_partition", text))
        return
    size_bytes = record_batch_size(encode(message, services.settings.producer_max_payload_bytes))
    if size_bytes > limit:
        text = f"The record has {size_bytes} bytes, max.message.bytes of topic {message.topic} allows {limit}"
        item.refuse(Refusal("record_too_large", text))


def record_batch_size(record: Encoded) -> int:
    """Bytes of a v2 record batch with this record alone, uncompressed: what max.message.bytes is held against."""
    size = 3 + _sized(record.key) + _sized(record.value) + varint_size(len(record.headers))
    for name, value in record.headers:
        size += _sized(name.encode("utf-8")) + _sized(value)
    return BATCH_OVERHEAD_BYTES + varint_size(size) + size


def _sized(value: bytes | None) -> int:
    return 1 if value is None else varint_size(len(value)) + len(value)


def varint_size(number: int) -> int:
    """Bytes of a number that is not negative in Kafka's zigzag varints."""
    return max(1, ((number << 1).bit_length() + 6) // 7)
