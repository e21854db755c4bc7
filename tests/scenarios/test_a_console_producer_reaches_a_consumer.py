"""What Kafka's own console producer sends reaches the consumer that the table names, in order per key."""

from __future__ import annotations

from app.consumer import Consumer
from app.routes import Routes
from tests.kafka_tools import console_producer
from tests.scenarios.stage import Stage
from tests.waiting import until


async def test_lines_of_the_console_producer_arrive(stage: Stage) -> None:
    topic = await stage.topic(partitions=3)
    arrived: dict[object, list[object]] = {}

    class ByKey(Consumer):
        async def consume(self) -> None:
            for message in self.messages:
                arrived.setdefault(message.key, []).append(message.payload)

    def draw(routes: Routes) -> None:
        with routes.group(f"g-{topic}") as group:
            group.topic(topic, ByKey)

    async with stage.running(draw):
        await console_producer(stage.servers, topic, [f'k{number % 5}:{{"n":{number}}}' for number in range(50)])
        await until(lambda: sum(map(len, arrived.values())) == 50, "all lines")
    assert arrived == {f"k{key}": [{"n": number} for number in range(key, 50, 5)] for key in range(5)}
