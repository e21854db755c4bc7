"""A bad record in the middle of a batch reaches the DLQ alone; everything around it is consumed."""

from __future__ import annotations

from app.consumer import Consumer
from app.routes import DeadLetter, Routes
from tests.kafka_tools import console_consumer, describe_group
from tests.scenarios.stage import Seen, Stage, recording
from tests.waiting import until


async def test_the_refused_and_the_undecodable_one_go_and_the_others_are_consumed_once(
    stage: Stage, seen: Seen
) -> None:
    topic, dlq = await stage.topic(), await stage.topic()
    payloads: list[object] = [*range(5), b'"bad"', 6, b"{undecodable", 8, 9]
    await stage.producer.produce_many_sync([{"topic": topic, "payload": p, "key": "k"} for p in payloads])
    letters: list[tuple[int, dict[str, object]]] = []

    class Dead(Consumer):
        async def consume(self) -> None:
            letters.extend((message.offset, dict(message.headers)) for message in self.messages)

    def draw(routes: Routes) -> None:
        with routes.group(f"g-{topic}") as group:
            consumer = recording(seen, refuse=lambda payload: payload == "bad")
            group.topic(topic, consumer, dead_letter=DeadLetter(dlq, max_retries=1))
            group.topic(dlq, Dead)

    async with stage.running(draw):
        await until(lambda: len(letters) == 2 and 9 in seen.payloads, "two dead letters")
    assert set(seen.payloads) == {0, 1, 2, 3, 4, 6, 8, 9}
    facts = {str(headers["source_offset"]): headers for _, headers in letters}
    assert sorted(facts) == ["5", "7"]
    assert facts["5"]["error_class"] == "builtins.ValueError"
    assert facts["5"]["source_attempts"] == "3"
    assert facts["7"]["error_class"] == "app.errors.UndecodablePayload"
    assert facts["5"]["source_consumer_group"] == f"g-{topic}"
    printed = await console_consumer(stage.servers, dlq, 2)
    assert sorted(line.split("\t")[-1] for line in printed) == ['"bad"', "{undecodable"]
    assert (await describe_group(stage.servers, f"g-{topic}", topic))[0].committed == 10
