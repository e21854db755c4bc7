"""Killed again and again between dispatch and commit, the service leaves each guilty record in the DLQ exactly once."""

from __future__ import annotations

import signal
from collections import Counter

from app.errors import TransactionError
from app.messages import OutgoingMessage, TopicPartition
from app.routes import Backoff, DeadLetter, Routes
from tests.kafka_tools import describe_group
from tests.scenarios.conftest import MakeStage
from tests.scenarios.stage import Seen, Stage, recording
from tests.scenarios.witness import stored_in
from tests.service_process import service
from tests.waiting import until

PARTITIONS = 2
MESSAGES = 60
DEATHS = ("add_offsets", "commit", "committed", "add_offsets", "commit", "committed")


async def letters_in(stage: Stage, dlq: str) -> list[int]:
    """What is in the DLQ for those who read committed."""
    return [int(record.value or b"") for record in await stored_in(stage.servers, dlq)]


async def test_each_guilty_record_is_there_exactly_once(stage: Stage) -> None:
    topic, dlq = await stage.topic(PARTITIONS), await stage.topic(PARTITIONS)
    messages = [{"topic": topic, "payload": number, "partition": number % PARTITIONS} for number in range(MESSAGES)]
    await stage.producer.produce_many_sync(messages)
    guilty = [number for number in range(MESSAGES) if number % 3 == 0]
    environment = {
        "TOPIC": topic,
        "DLQ": dlq,
        "PRODUCER_TRANSACTIONAL_ID_PREFIX": f"p-{topic}",
        "CONSUMER_INSTANCE_ID": "one",  # so that the next process need not wait for the end of the last one's session
    }
    draw = "tests.scenarios.tables:dead_letters"
    for step in DEATHS:
        async with service(stage.servers, draw=draw, environment={**environment, "DIE_AT": step}) as dying:
            assert await dying.ended(40) == -signal.SIGKILL, dying.text
    before = Counter(await letters_in(stage, dlq))
    assert max(before.values()) == 1
    async with service(stage.servers, draw=draw, environment=environment) as last:
        await until(lambda: _done(stage, topic), "everything is consumed", 60)
        last.send(signal.SIGTERM)
        assert await last.ended(20) == 0, last.text
    assert sorted(await letters_in(stage, dlq)) == guilty


async def _done(stage: Stage, topic: str) -> bool:
    lines = await describe_group(stage.servers, f"g-{topic}", topic)
    return len(lines) == PARTITIONS and all(line.lag == 0 or line.committed == line.end for line in lines.values())


async def test_a_member_that_was_fenced_joins_anew_and_nothing_is_there_twice(
    kafka: str, make_stage: MakeStage, seen: Seen
) -> None:
    stage = await make_stage(kafka, producer_transactional_id_prefix="fenced")
    topic, dlq = await stage.topic(), await stage.topic()

    def draw(routes: Routes) -> None:
        with routes.group(f"g-{topic}") as group:
            letter = DeadLetter(dlq, max_retries=0, transactional=True)
            refusing = recording(seen, refuse=lambda payload: payload == "bad")
            group.topic(topic, refusing, dead_letter=letter, backoff=Backoff(1, 1))

    async with stage.running(draw):
        await stage.producer.produce_many_sync([{"topic": topic, "payload": p} for p in (b"1", b'"bad"', b"2")])
        await until(lambda: 2 in seen.payloads, "the first letter went")
        thief = stage.producer.hold_transactions(f"g-{topic}.{topic}.0")
        await thief.initialise()
        await stage.producer.produce_many_sync([{"topic": topic, "payload": p} for p in (b'"bad"', b"3")])
        await until(lambda: 3 in seen.payloads, "it went on after joining anew", 40)
        try:
            await thief.send(OutgoingMessage(topic=dlq, payload="thief"), {TopicPartition(topic, 0): 1}, f"g-{topic}")
        except TransactionError:
            await thief.close()
    assert [record.value for record in await stored_in(stage.servers, dlq)] == [b'"bad"', b'"bad"']
