"""A consumer seeks, to an offset, a time and the ends: it is given what stands there, Kafka's committed offset follows,
and a restart goes on from there."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from app.consumer import Consumer, SeekTarget
from app.routes import Routes
from tests.kafka_tools import describe_group
from tests.scenarios.stage import Seen, Stage, recording
from tests.waiting import until

FIRST_MS = int(time.time() * 1000) - 60_000
THIRD = datetime.fromtimestamp((FIRST_MS + 3000) / 1000, UTC)


@pytest.mark.parametrize(
    ("target", "next_payloads"), [(3, [3, 4, 5]), (THIRD, [3, 4, 5]), ("earliest", [0, 1, 2, 3, 4, 5]), ("latest", [])]
)
async def test_the_next_batch_begins_where_it_was_sent(
    stage: Stage, seen: Seen, target: SeekTarget, next_payloads: list[int]
) -> None:
    topic = await stage.topic()
    sought: list[bool] = []

    class Seeking(Consumer):
        async def consume(self) -> None:
            if not sought:
                sought.append(await self.seek(target))
                return
            seen.all += [(message.partition, message.offset, message.payload) for message in self.messages]

    def draw(routes: Routes) -> None:
        with routes.group(f"g-{topic}") as group:
            group.topic(topic, Seeking, min_messages=6)

    messages = [{"topic": topic, "payload": number, "timestamp": FIRST_MS + 1000 * number} for number in range(6)]
    await stage.producer.produce_many_sync(messages)
    async with stage.running(draw):
        await until(lambda: sought, "it was sent elsewhere")
        await stage.producer.produce_sync(topic=topic, payload=99)
        await until(lambda: 99 in seen.payloads, "the newest record")
    assert sought == [True]
    assert seen.payloads == [*next_payloads, 99]


async def test_what_is_committed_goes_back_with_it_and_a_restart_begins_there(stage: Stage, seen: Seen) -> None:
    topic = await stage.topic()
    group_id = f"g-{topic}"
    sizes: list[int] = []

    class Rewinding(Consumer):
        async def consume(self) -> None:
            sizes.append(len(self.messages))
            if len(sizes) == 1:
                await self.mark_as_consumed_now(self.messages.last)
                await self.seek(2)
                self.pause()

    def draw(routes: Routes) -> None:
        with routes.group(group_id) as group:
            group.topic(topic, Rewinding, min_messages=6)

    def draw_again(routes: Routes) -> None:
        with routes.group(group_id) as group:
            group.topic(topic, recording(seen))

    await stage.producer.produce_many_sync([{"topic": topic, "payload": number} for number in range(6)])
    async with stage.running(draw):
        await until(lambda: sizes, "it was given a batch")
    assert sizes == [6]
    assert (await describe_group(stage.servers, group_id, topic))[0].committed == 2
    async with stage.running(draw_again):
        await until(lambda: len(seen) >= 4, "the rest")
    assert seen.payloads == [2, 3, 4, 5]
