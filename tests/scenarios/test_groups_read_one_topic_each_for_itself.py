"""Several groups of one process read the same topic, each all of it, at its own pace and with its own offsets; one that
fails holds up no other."""

from __future__ import annotations

from app.consumer import Consumer
from app.routes import Routes
from tests.kafka_tools import describe_group
from tests.scenarios.stage import Seen, Stage, recording
from tests.waiting import until


async def test_each_has_all_of_it_and_offsets_of_its_own(stage: Stage) -> None:
    topic = await stage.topic(partitions=2)
    first, second = Seen(), Seen()
    attempts: list[int] = []

    class Failing(Consumer):
        async def consume(self) -> None:
            attempts.append(self.attempt)
            raise ConnectionError("the database is away")

    def draw(routes: Routes) -> None:
        for name, consumer in (("first", recording(first)), ("second", recording(second)), ("failing", Failing)):
            with routes.group(f"{name}-{topic}") as group:
                group.topic(topic, consumer)

    await stage.producer.produce_many_sync([{"topic": topic, "payload": n, "partition": n % 2} for n in range(20)])
    async with stage.running(draw):
        await until(lambda: len(first) == len(second) == 20, "both have read everything")
        await until(lambda: len(attempts) >= 4, "the third goes on failing")
    for seen in (first, second):
        assert sorted(int(str(payload)) for payload in seen.payloads) == list(range(20))
    for name, committed in (("first", 10), ("second", 10), ("failing", None)):
        lines = await describe_group(stage.servers, f"{name}-{topic}", topic)
        assert [line.committed for line in lines.values()] == ([] if committed is None else [committed, committed])
