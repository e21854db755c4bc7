"""Which partition a message goes to."""

from __future__ import annotations

from collections import Counter

import pytest
from aiokafka.partitioner import murmur2

from app.producing.partitioners import CACHED_KEY_BYTES, PARTITIONERS, Spread

KAFKA_UTILS_MURMUR2 = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}
"""The vectors of Kafka's own unit test of its hash."""


@pytest.mark.parametrize("key", KAFKA_UTILS_MURMUR2)
def test_murmur2_is_that_of_kafkas_java_client(key: bytes) -> None:
    for partitions in (1, 3, 7, 1000):
        expected = (KAFKA_UTILS_MURMUR2[key] & 0x7FFFFFFF) % partitions
        assert PARTITIONERS["murmur2"](key, partitions) == expected


def test_crc32_is_that_of_librdkafka() -> None:
    assert PARTITIONERS["crc32"](b"123456789", 2**32) == 0xCBF43926  # the check value of CRC-32
    assert PARTITIONERS["crc32"](b"", 7) == 0


def test_a_long_key_is_hashed_like_a_short_one() -> None:
    for length in (CACHED_KEY_BYTES - 1, CACHED_KEY_BYTES, CACHED_KEY_BYTES + 1, 4000):
        key = b"k" * length
        assert PARTITIONERS["murmur2"](key, 12) == (murmur2(key) & 0x7FFFFFFF) % 12


def test_messages_without_a_key_are_spread_evenly() -> None:
    spread = Spread()
    counts = Counter(spread.choose(5) for _ in range(4000))
    assert set(counts) == set(range(5))
    assert max(counts.values()) - min(counts.values()) <= 8


def test_a_spread_follows_a_growing_topic() -> None:
    spread = Spread()
    assert {spread.choose(1) for _ in range(50)} == {0}
    assert {spread.choose(3) for _ in range(50)} == {0, 1, 2}
