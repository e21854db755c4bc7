"""Transactions end in markers, and aborted ones leave records, that nobody is given: once all else is done the group's
lag is 0, as Kafka sees it, also with manual offsets."""

from __future__ import annotations

import pytest

from app.consumer import Consumer
from app.errors import AbortTransaction
from app.routes import Routes
from tests.kafka_tools import describe_group
from tests.scenarios.conftest import MakeStage
from tests.scenarios.stage import Seen, Stage
from tests.waiting import until


@pytest.mark.parametrize("manual_offsets", [False, True])
async def test_the_lag_is_none(kafka: str, make_stage: MakeStage, seen: Seen, manual_offsets: bool) -> None:
    stage = await make_stage(kafka, producer_transactional_id_prefix="lag")
    topic = await stage.topic()
    group_id = f"g-{topic}"

    class Marking(Consumer):
        async def consume(self) -> None:
            seen.all += [(message.partition, message.offset, message.payload) for message in self.messages]
            self.mark_as_consumed(self.messages.last)

    def draw(routes: Routes) -> None:
        with routes.group(group_id, manual_offsets=manual_offsets) as group:
            group.topic(topic, Marking)

    async with stage.running(draw):
        await _transaction(stage, topic, range(3))
        await until(lambda: seen.payloads == [0, 1, 2], "the first transaction")
        await until(lambda: _lag_is_none(stage, group_id, topic), "no lag behind its marker")
        await _transaction(stage, topic, range(10, 13), abort=True)
        await until(lambda: _lag_is_none(stage, group_id, topic), "no lag behind the aborted one")
    assert seen.payloads == [0, 1, 2]


async def _transaction(stage: Stage, topic: str, payloads: range, *, abort: bool = False) -> None:
    async with stage.producer.transaction():
        for payload in payloads:
            await stage.producer.produce_sync(topic=topic, payload=payload)
        if abort:
            raise AbortTransaction


async def _lag_is_none(stage: Stage, group_id: str, topic: str) -> bool:
    lines = await describe_group(stage.servers, group_id, topic)
    return bool(lines) and all(line.lag == 0 for line in lines.values())
