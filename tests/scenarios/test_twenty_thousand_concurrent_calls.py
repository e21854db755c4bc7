"""Twenty thousand calls at once are all delivered, in order per key."""

from __future__ import annotations

import asyncio

from tests.scenarios.stage import Stage
from tests.scenarios.witness import stored_in

CALLS = 20_000
KEYS = 50


async def test_all_are_delivered_in_order_per_key(stage: Stage) -> None:
    topic = await stage.topic(partitions=6)
    produce = stage.producer.produce_async
    calls = (produce(topic=topic, payload=number, key=str(number % KEYS)) for number in range(CALLS))
    handles = await asyncio.gather(*calls)
    assert {(await handle.wait(30)).status for handle in handles} == {"delivered"}
    by_key: dict[bytes | None, list[int]] = {}
    for record in await stored_in(stage.servers, topic):
        by_key.setdefault(record.key, []).append(int(record.value or b""))
    assert by_key == {str(key).encode(): list(range(key, CALLS, KEYS)) for key in range(KEYS)}


async def test_sync_calls_of_many_tasks_are_all_delivered(stage: Stage) -> None:
    topic = await stage.topic(partitions=6)
    calls = (stage.producer.produce_sync(topic=topic, payload=number) for number in range(5000))
    places = {(report.partition, report.offset) for report in await asyncio.gather(*calls)}
    assert len(places) == 5000
    assert {(record.partition, record.offset) for record in await stored_in(stage.servers, topic)} == places
