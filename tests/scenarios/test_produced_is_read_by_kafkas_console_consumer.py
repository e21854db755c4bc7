"""What is produced, Kafka's own console consumer reads: partition, offset, headers, key and value."""

from __future__ import annotations

from tests.kafka_tools import console_consumer
from tests.scenarios.stage import Stage


async def test_the_console_consumer_prints_what_the_reports_say(stage: Stage) -> None:
    topic = await stage.topic(partitions=3)
    reports = await stage.producer.produce_many_sync(
        [
            {"topic": topic, "payload": {"number": number}, "key": f"k{number}", "headers": {"h": str(number)}}
            for number in range(20)
        ]
    )
    lines = await console_consumer(stage.servers, topic, 20)
    assert sorted(lines) == sorted(
        f'Partition:{report.partition}\tOffset:{report.offset}\th:{number}\tk{number}\t{{"number":{number}}}'
        for number, report in enumerate(reports)
    )
