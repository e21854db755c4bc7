"""Records of every odd shape come as they were sent: larger than a fetch, empty, without a payload or a key, with
headers that repeat, are null or no text, in every compression."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from app.consumer import Consumer
from app.routes import Routes
from tests.scenarios.conftest import MakeStage
from tests.waiting import until

FETCH_BYTES = 10_000
HEADERS = [("a", b"1"), ("none", None), ("a", b"\xff"), ("empty", b"")]
SHAPES: list[dict[str, Any]] = [
    {"payload": b"x" * 900_000, "key": b"large"},
    {"payload": b"", "key": b""},
    {"payload": None, "key": b"deleted"},
    {"payload": b"\xff{", "key": b"\xff", "headers": HEADERS},
    {"payload": b"1"},
]


@pytest.mark.parametrize("compression", ["none", "gzip", "snappy", "lz4", "zstd"])
async def test_each_comes_as_it_was_sent(
    kafka: str, make_stage: MakeStage, compression: Literal["none", "gzip", "snappy", "lz4", "zstd"]
) -> None:
    stage = await make_stage(
        kafka, consumer_max_partition_fetch_bytes=FETCH_BYTES, consumer_max_fetch_bytes=FETCH_BYTES
    )
    topic = await stage.topic()
    seen: list[tuple[Any, ...]] = []
    texts: list[dict[str, Any]] = []

    class Noting(Consumer):
        async def consume(self) -> None:
            for message in self.messages:
                seen.append((message.raw_payload, message.raw_key, list(message.raw_headers), message.tombstone))
                texts.append({"key": message.key, **message.headers})

    def draw(routes: Routes) -> None:
        with routes.group(f"g-{topic}") as group:
            group.topic(topic, Noting)

    producer = stage.producer.variant(compression=compression)
    for shape in SHAPES:
        await producer.produce_sync(topic=topic, **shape)
    async with stage.running(draw):
        await until(lambda: len(seen) == len(SHAPES), "all of them")
    assert seen == [
        (shape["payload"], shape.get("key"), shape.get("headers", []), shape["payload"] is None) for shape in SHAPES
    ]
    assert texts[3] == {"key": b"\xff", "a": b"\xff", "none": None, "empty": ""}
