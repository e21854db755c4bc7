"""Kafka refuses whole batches: only the guilty record fails, and the producer goes on."""

from __future__ import annotations

import pytest

from app.errors import ProduceManyError, RecordTooLarge
from tests.scenarios.stage import Stage
from tests.scenarios.witness import stored_in


async def test_only_the_record_without_a_key_fails_on_a_compacted_topic(stage: Stage) -> None:
    topic = await stage.topic(config={"cleanup.policy": "compact"})
    await stage.producer.produce_sync(topic=topic, payload=b"first", key="k")
    messages = [{"topic": topic, "payload": number, "key": None if number == 50 else "k"} for number in range(100)]
    with pytest.raises(ProduceManyError) as caught:
        await stage.producer.produce_many_sync(messages)
    failed = {index: report.error.code for index, report in enumerate(caught.value.reports) if report.error}
    assert failed == {50: "refused_by_broker"}
    assert [report.offset for report in caught.value.reports if not report.error] == list(range(1, 100))
    assert (await stage.producer.produce_sync(topic=topic, payload=b"last", key="k")).offset == 100


async def test_a_timestamp_out_of_range_fails_alone(stage: Stage) -> None:
    topic = await stage.topic(config={"message.timestamp.before.max.ms": "60000"})
    messages = [{"topic": topic, "payload": number} for number in range(20)]
    messages[7]["timestamp"] = 1
    with pytest.raises(ProduceManyError) as caught:
        await stage.producer.produce_many_sync(messages)
    failed = {index: report.error.code for index, report in enumerate(caught.value.reports) if report.error}
    assert failed == {7: "refused_by_broker"}
    values = [record.value for record in await stored_in(stage.servers, topic)]
    assert values == [b"%d" % number for number in range(20) if number != 7]


async def test_records_that_are_too_large_only_together_all_arrive(stage: Stage) -> None:
    topic = await stage.topic(config={"max.message.bytes": "20000"})
    reports = await stage.producer.produce_many_sync([{"topic": topic, "payload": b"x" * 1000} for _ in range(50)])
    assert [report.offset for report in reports] == list(range(50))
    with pytest.raises(RecordTooLarge, match="20000"):
        await stage.producer.produce_sync(topic=topic, payload=b"x" * 30_000)
    assert (await stage.producer.produce_sync(topic=topic, payload=b"after")).offset == 50
