"""Which partition a message goes to."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import lru_cache

from aiokafka.partitioner import murmur2

CACHED_KEY_BYTES = 128
CACHED_KEYS = 32_768
STICK_TO = 8
"""Messages without a key stay on a partition for so many, then go on to the next: fuller batches, even spread."""

_cached_murmur2 = lru_cache(maxsize=CACHED_KEYS)(murmur2)
KeyPartitioner = Callable[[bytes, int], int]


def murmur2_partition(key: bytes, partitions: int) -> int:
    """As Kafka's Java client: the positive murmur2 of the key, modulo the partition count."""
    hashed = _cached_murmur2(key) if len(key) <= CACHED_KEY_BYTES else murmur2(key)
    return (int(hashed) & 0x7FFFFFFF) % partitions


def crc32_partition(key: bytes, partitions: int) -> int:
    """As librdkafka's `consistent` partitioners: the CRC-32 of the key, modulo the partition count."""
    return zlib.crc32(key) % partitions


PARTITIONERS: dict[str, KeyPartitioner] = {"murmur2": murmur2_partition, "crc32": crc32_partition}


class Spread:
    """Spreads messages without a key evenly over a topic's partitions."""

    def __init__(self, start: int = 0) -> None:
        self._next = start * STICK_TO

    def choose(self, partitions: int) -> int:
        """A partition below `partitions`."""
        chosen = self._next // STICK_TO % partitions
        self._next += 1
        return chosen
