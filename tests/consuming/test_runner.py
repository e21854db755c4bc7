"""One consumer object and its hooks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import pytest

from app.consuming.instances import Instances
from app.errors import MessageFailed
from app.events import DeadLetterDispatched, ErrorOccurred, JobFinished
from app.routes import Backoff, DeadLetter
from tests.consuming.stage import AT, Noted, Stage, consumer_class, line_of
from tests.fakes import records
from tests.waiting import until


class Wrapped(Noted):
    """Notes what its `wrap` was entered for."""

    async def eofed(self) -> None:
        self.hooks.append("eofed")

    @asynccontextmanager
    async def wrap(self, hook: str) -> AsyncIterator[None]:
        self.hooks.append(f"<{hook}")
        try:
            yield
        finally:
            self.hooks.append(f"{hook}>")


def made_of(base: type[Noted], **members: Any) -> type[Any]:
    return type(
        "Made", (base,), {"hooks": [], "batches": [], "attempts": [], "says": staticmethod(lambda _: None), **members}
    )


async def test_wrap_is_entered_around_every_hook(stage: Stage) -> None:
    made = made_of(Wrapped)
    stage.client.ends[AT] = 1
    stage.client.give(records(0))
    worker = stage.assign(line_of(made))
    await until(lambda: "eofed>" in made.hooks, "the end was reached")
    worker.end(revoked=True)
    await worker.run_last_hook("revoked")
    names = ["initialized", "consume", "eofed", "revoked"]
    assert made.hooks == [entry for name in names for entry in (f"<{name}", name, f"{name}>")]


async def test_wrap_may_be_written_without_the_name(stage: Stage) -> None:
    class Plain(Noted):
        entered: ClassVar[list[str]] = []

        @asynccontextmanager
        async def wrap(self) -> AsyncIterator[None]:  # type: ignore[override]  # without the name
            self.entered.append("in")
            yield

    stage.client.give(records(0))
    stage.assign(line_of(made_of(Plain)))
    await stage.marked(1)
    assert Plain.entered == ["in", "in"]


async def test_what_wrap_raises_counts_as_raised_by_the_hook(stage: Stage) -> None:
    failures = [ValueError("no connection")]

    class Failing(Noted):
        @asynccontextmanager
        async def wrap(self, hook: str) -> AsyncIterator[None]:
            if hook == "consume" and failures:
                raise failures.pop()
            yield

    made = made_of(Failing)
    stage.client.give(records(0))
    stage.assign(line_of(made, backoff=Backoff(1, 1)))
    await stage.marked(1)
    assert [event.kind for event in stage.heard.of(ErrorOccurred)] == ["consumer.consume"]
    assert made.attempts == [2]


async def test_eofed_comes_once_at_each_end_and_never_before_a_first_batch(stage: Stage) -> None:
    made = made_of(Wrapped)
    stage.client.ends[AT] = 0
    stage.client.at[AT] = 0
    worker = stage.assign(line_of(made))
    await until(lambda: worker.idle, "it waits")
    worker.report()
    stage.client.ends[AT] = 2
    stage.client.give(records(0, 1))
    await until(lambda: made.hooks.count("eofed") == 1, "the end was reached")
    worker.report()
    await until(lambda: worker.idle, "it waits")
    stage.client.ends[AT] = 3
    stage.client.give(records(2))
    await until(lambda: made.hooks.count("eofed") == 2, "the end was reached again")
    assert [hook for hook in made.hooks if hook in ("consume", "eofed")] == ["consume", "eofed"] * 2


async def test_an_end_behind_records_that_nobody_is_given_is_noticed(stage: Stage) -> None:
    made = made_of(Wrapped)
    stage.client.ends[AT] = 2
    stage.client.give(records(0))
    worker = stage.assign(line_of(made))
    await stage.marked(1)
    await until(lambda: worker.idle, "it waits")
    assert "eofed" not in made.hooks
    stage.client.at[AT] = 2
    worker.report()
    await until(lambda: "eofed" in made.hooks, "the end was noticed")
    assert stage.ledger.marked(AT) == 2


async def test_a_class_that_cannot_be_made_fails_its_batch_like_any_other(stage: Stage) -> None:
    failures = [KeyError("DATABASE_URL")]

    class Fragile(Noted):
        def __init__(self, context: Any) -> None:
            super().__init__(context)
            if failures:
                raise failures.pop()

    made = made_of(Fragile)
    stage.client.give(records(0, 1))
    stage.assign(line_of(made, backoff=Backoff(1, 1)))
    await stage.marked(2)
    errors = stage.heard.of(ErrorOccurred)
    assert [(event.kind, event.first_offset, event.attempt) for event in errors] == [("consumer.consume", 0, 1)]
    assert made.hooks == ["initialized", "consume"]


async def test_while_developing_every_batch_has_an_object_of_its_own(stage: Stage) -> None:
    stage.use(Instances(persistent=False))
    made = made_of(Noted)
    stage.assign(line_of(made, max_messages=1))
    stage.client.give(records(0, 1))
    await stage.marked(2)
    assert made.hooks == ["initialized", "consume"] * 2


async def test_tags_are_told_with_the_job(stage: Stage) -> None:
    stage.client.give(records(0))
    stage.assign(line_of(consumer_class(lambda consumer: consumer.tags.add("step", "import"))))
    await stage.marked(1)
    assert stage.heard.of(JobFinished)[0].tags == ("import",)


async def test_the_metadata_says_when_the_batch_was_taken_and_how_long_it_waited(stage: Stage) -> None:
    gate = asyncio.Event()
    lags: list[int] = []

    async def consume(consumer: Noted) -> None:
        lags.append(consumer.messages.metadata.processing_lag_ms)
        await gate.wait()

    only_one = Stage(concurrency=1)
    try:
        only_one.client.give([*records(0), *records(0, partition=1)])
        line = line_of(consumer_class(consume))
        only_one.assign(line)
        await until(lambda: lags, "the first runs")
        only_one.assign(line, AT._replace(partition=1))
        await asyncio.sleep(0.03)
        gate.set()
        await until(lambda: len(lags) == 2, "the second runs")
        assert lags[0] < 20 <= lags[1]
    finally:
        await only_one.close()


async def test_a_consumer_may_give_a_message_up_itself_and_that_marks_nothing(stage: Stage) -> None:
    answers: list[bool] = []

    async def consume(consumer: Noted) -> None:
        if not answers:
            answers.append(await consumer.dispatch_to_dlq(consumer.messages.first))
            answers.append(await consumer.dispatch_to_dlq(consumer.messages.last, KeyError("id")))
            raise MessageFailed(consumer.messages.first)

    stage.client.give(records(0, 1))
    stage.assign(line_of(consumer_class(consume), backoff=Backoff(1, 1)))
    await stage.marked(2)
    assert answers == [True, True]
    assert stage.dead == [b"0", b"1"]
    headers = [dict(record.headers) for record in stage.kafka.records("t.dlq")]
    assert [header["error_class"] for header in headers] == [b"app.errors.DispatchedByConsumer", b"builtins.KeyError"]
    assert [event.offset for event in stage.heard.of(DeadLetterDispatched)] == [0, 1]


async def test_nothing_is_given_up_after_the_partition_was_revoked(stage: Stage) -> None:
    answers: list[bool] = []

    async def consume(consumer: Noted) -> None:
        stage.workers[0].end(revoked=True)
        answers.append(await consumer.dispatch_to_dlq(consumer.messages.first))

    stage.client.give(records(0))
    stage.assign(line_of(consumer_class(consume)))
    await until(lambda: answers, "it asked")
    assert (answers, stage.dead) == ([False], [])


@pytest.mark.parametrize("dead_letter", [None, DeadLetter(None)])
async def test_without_a_dlq_giving_up_is_a_failure_that_says_so(stage: Stage, dead_letter: DeadLetter | None) -> None:
    raised: list[Exception] = []

    async def consume(consumer: Noted) -> None:
        try:
            await consumer.dispatch_to_dlq(consumer.messages.first)
        except RuntimeError as error:
            raised.append(error)

    stage.client.give(records(0))
    stage.assign(line_of(consumer_class(consume), dead_letter=dead_letter))
    await stage.marked(1)
    assert "has no DLQ" in str(raised[0])


async def test_a_consumer_produces_without_naming_the_producer(stage: Stage) -> None:
    stage.kafka.topic_partitions["out"] = 1

    async def consume(consumer: Noted) -> None:
        await consumer.produce_sync(topic="out", payload=1)
        handle = await consumer.produce_async(topic="out", payload=2)
        await handle.wait(timeout_s=5)
        await consumer.produce_many_sync([{"topic": "out", "payload": 3}])
        for handle in await consumer.produce_many_async([{"topic": "out", "payload": 4}]):
            await handle.wait(timeout_s=5)

    stage.client.give(records(0))
    stage.assign(line_of(consumer_class(consume)))
    await stage.marked(1)
    assert [record.value for record in stage.kafka.records("out")] == [b"1", b"2", b"3", b"4"]
