"""What the test kit tells of a consumer is what becomes of the same consumer, line and records on Kafka."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from app.consumer import Consumer, Message, MessageFailed, UndecodablePayload
from app.events import DeadLetterDispatched, JobFinished, OffsetsCommitted, RetryScheduled
from app.messages import TopicPartition
from app.routes import Backoff, DeadLetter, Dispatch, Keyed, Retry, Routes, Skip
from app.testing import ConsumerTest, record
from tests.scenarios.stage import Stage
from tests.waiting import until

RECORDS: list[dict[str, Any]] = [
    {"payload": 0, "key": "a"},
    {"payload": '"refused"', "key": "b", "headers": {"source_topic": "earlier", "own": "kept"}},
    {"payload": 2, "key": "a"},
    {"payload": b"{undecodable", "key": "c"},
    {"payload": None, "key": "c"},
    {"payload": 5},
]
Account = dict[str, Any]
Handle = Callable[[Any], None]


def refuse(consumer: Any) -> None:
    for message in consumer.messages:
        if message.payload == "refused":
            raise ValueError("refused")


def name_it(consumer: Any) -> None:
    for message in consumer.messages:
        if message.payload == "refused":
            raise MessageFailed(message) from LookupError("unknown")


def mark_each(consumer: Any) -> None:
    for message in consumer.messages:
        if message.payload == "refused" and not consumer.retrying:
            raise ValueError("refused")
        consumer.mark_as_consumed(message)


def strategy(errors: Sequence[BaseException], attempt: int, message: Message) -> Any:
    if isinstance(errors[-1], UndecodablePayload):
        return Skip
    return Retry(30) if attempt < 2 else Dispatch(f"{message.topic}.dlq")


def consumer_of(handle: Handle, runs: list[tuple[int, list[int]]]) -> type[Consumer]:
    class Handler(Consumer):
        async def consume(self) -> None:
            runs.append((self.attempt, [message.offset for message in self.messages]))
            handle(self)

    return Handler


def drawing(topic: str, consumer: type[Consumer], options: dict[str, Any]) -> Callable[[Routes], None]:
    dead_letter = DeadLetter(f"{topic}.dlq", **options.get("giving_up", {"max_retries": 1}))
    others = {name: value for name, value in options.items() if name != "giving_up"}

    def draw(routes: Routes) -> None:
        with routes.group(f"g-{topic}", backoff=Backoff(20, 60)) as group:
            group.topic(topic, consumer, dead_letter=dead_letter, **others)

    return draw


def facts_of(message: Message) -> tuple[Any, ...]:
    headers = {name: value for name, value in message.headers.items() if name not in ("failed_at", "source_timestamp")}
    return message.topic, message.key, message.raw_payload, headers


async def on_the_kit(topic: str, handle: Handle, options: dict[str, Any]) -> Account:
    runs: list[tuple[int, list[int]]] = []
    draw = drawing(topic, consumer_of(handle, runs), options)
    async with ConsumerTest.from_table(topic, draw) as test:
        result = await test.consume(*[record(**fields) for fields in RECORDS])
        return {
            "runs": sorted(runs),
            "retries": result.retries,
            "skipped": result.skipped,
            "dead": [facts_of(message) for message in result.dead_letters],
            "committed": result.marked,
        }


async def on_kafka(stage: Stage, topic: str, handle: Handle, options: dict[str, Any], expected: Account) -> Account:
    runs: list[tuple[int, list[int]]] = []
    letters: list[tuple[Any, ...]] = []

    class Dead(Consumer):
        async def consume(self) -> None:
            letters.extend(facts_of(message) for message in self.messages)

    main = drawing(topic, consumer_of(handle, runs), options)

    def draw(routes: Routes) -> None:
        main(routes)
        routes.topic(f"{topic}.dlq", Dead)

    stage.remember(RetryScheduled, DeadLetterDispatched, JobFinished, OffsetsCommitted)
    at = TopicPartition(topic, 0)

    def committed() -> int | None:
        return next((e.offsets[at] for e in reversed(stage.happened(OffsetsCommitted)) if at in e.offsets), None)

    async with stage.running(draw):
        await until(
            lambda: committed() == expected["committed"] and len(letters) >= len(expected["dead"]), "it is done"
        )
    return {
        "runs": sorted(runs),
        "retries": [event.pause_ms for event in stage.happened(RetryScheduled)],
        "skipped": [event.offset for event in stage.happened(DeadLetterDispatched) if event.dlq_topic is None],
        "dead": letters,
        "committed": committed(),
    }


@pytest.mark.parametrize(
    ("handle", "options"),
    [
        (refuse, {}),
        (refuse, {"max_messages": 2}),
        (refuse, {"giving_up": {"max_retries": 0, "isolate": False}}),
        (refuse, {"giving_up": {"max_retries": 1, "batch": True}}),
        (refuse, {"giving_up": {"strategy": strategy}}),
        (refuse, {"keyed": Keyed(workers=3)}),
        (name_it, {}),
        (mark_each, {"manual_offsets": True}),
    ],
)
async def test_runs_retries_dead_letters_and_offsets_are_the_same(
    stage: Stage, handle: Handle, options: dict[str, Any]
) -> None:
    topic = await stage.topic()
    assert await stage.cluster.create_topic(f"{topic}.dlq", 1, timeout_s=20)
    await stage.cluster.refresh(timeout_s=10)
    await stage.producer.produce_many_sync([{"topic": topic, **fields} for fields in RECORDS])
    told = await on_the_kit(topic, handle, options)
    assert told["committed"] == len(RECORDS)
    assert told["dead"]
    assert await on_kafka(stage, topic, handle, options, told) == told
