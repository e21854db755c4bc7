"""What becomes of a batch that failed: retried, searched for the guilty record, given up."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import MessageFailed, UndecodablePayload, UnknownTopic
from app.events import ErrorOccurred, JobFinished, PartitionProgress, RetryScheduled
from app.messages import Message
from app.routes import Backoff, DeadLetter, Dispatch, Retry, Skip, Stop
from app.testing import ConsumerTest, ServiceStopped, StillFailing, record
from tests.consuming.stage import OTHER, Noted, Stage, consumer_class, line_of
from tests.fakes import records
from tests.waiting import until

BAD = b"\xff{"
"""A payload that is not JSON."""


def refusing(*guilty: int) -> Callable[[Noted], None]:
    """Fails every batch that has one of these offsets in it."""

    def consume(consumer: Noted) -> None:
        for message in consumer.messages:
            if message.offset in guilty:
                raise ValueError(f"offset {message.offset}")

    return consume


def trial(consumer: type[Noted], **options: Any) -> ConsumerTest:
    """A test of a line for topic t with a DLQ after two retries."""
    return ConsumerTest(consumer, "t", **{"dead_letter": DeadLetter("t.dlq", max_retries=2), **options})


async def test_a_failed_batch_is_run_again_after_its_pause() -> None:
    failures = [ValueError("once")]

    def once(_: Noted) -> None:
        if failures:
            raise failures.pop()

    async with trial(consumer_class(once), backoff=Backoff(3, 100)) as test:
        result = await test.consume(0, 1)
        assert (result.batches, result.attempts) == ([[0, 1], [0, 1]], [1, 2])
        assert (result.retries, result.waited_ms, result.marked) == ([6], 6, 2)
        assert (await test.consume(2)).attempts == [1]


async def test_without_a_dlq_it_is_retried_for_ever_with_growing_pauses() -> None:
    async with trial(consumer_class(refusing(0)), dead_letter=None) as test:
        with pytest.raises(StillFailing):
            await test.consume(0)
        assert test.attempts == list(range(1, 22))
        assert test.retries[:7] == [2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]
        assert test.committed() is None


async def test_what_was_marked_is_not_run_again_and_progress_starts_counting_anew() -> None:
    failures = iter([2, 3, 3])

    def consume(consumer: Noted) -> None:
        until_offset = next(failures, None)
        if until_offset is not None:
            consumer.mark_as_consumed(next(m for m in consumer.messages if m.offset == until_offset - 1))
            raise ValueError

    async with trial(consumer_class(consume)) as test:
        result = await test.consume(0, 1, 2, 3)
        assert result.batches == [[0, 1, 2, 3], [2, 3], [3], [3]]
        assert (result.attempts, result.retries, result.marked) == ([1, 2, 2, 3], [2000, 2000, 4000], 4)


async def test_the_guilty_record_goes_to_the_dlq_alone() -> None:
    async with trial(consumer_class(refusing(2))) as test:
        result = await test.consume(0, 1, 2, 3, 4)
        assert result.batches == [[0, 1, 2, 3, 4]] * 3 + [[0], [1], [2], [3, 4]]
        assert [(dead.topic, dead.payload) for dead in result.dead_letters] == [("t.dlq", 2)]
        assert (result.retries, result.waited_ms, result.marked) == ([2000, 4000], 7000, 5)


async def test_each_guilty_record_gets_retries_of_its_own() -> None:
    async with trial(consumer_class(refusing(0, 2))) as test:
        result = await test.consume(0, 1, 2)
        assert result.dead_letters.payloads == [0, 2]
        assert result.batches == [[0, 1, 2]] * 3 + [[0]] + [[1, 2]] * 3 + [[1], [2]]
        assert result.marked == 3


async def test_a_lone_record_needs_no_search() -> None:
    async with trial(consumer_class(refusing(0))) as test:
        result = await test.consume(0)
        assert (result.batches, result.dead_letters.payloads, result.marked) == ([[0]] * 3, [0], 1)


async def test_without_isolation_the_first_unmarked_record_goes() -> None:
    dead_letter = DeadLetter("t.dlq", max_retries=0, isolate=False)
    async with trial(consumer_class(refusing(1)), dead_letter=dead_letter) as test:
        result = await test.consume(0, 1, 2)
        assert (result.dead_letters.payloads, result.marked) == ([0, 1], 3)


async def test_the_whole_batch_goes_in_order_where_that_is_asked() -> None:
    dead_letter = DeadLetter("t.dlq", max_retries=1, batch=True)
    async with trial(consumer_class(refusing(2)), dead_letter=dead_letter, max_messages=4) as test:
        result = await test.consume(0, 1, 2, 3, 4)
        assert result.dead_letters.payloads == [0, 1, 2, 3]
        assert result.batches == [[0, 1, 2, 3], [0, 1, 2, 3], [4]]
        assert {dead.headers["source_attempts"] for dead in result.dead_letters} == {"2"}


async def test_what_was_marked_does_not_go_with_the_batch() -> None:
    def consume(consumer: Noted) -> None:
        consumer.mark_as_consumed(consumer.messages[1])
        raise ValueError

    dead_letter = DeadLetter("t.dlq", max_retries=0, batch=True)
    async with trial(consumer_class(consume), dead_letter=dead_letter) as test:
        result = await test.consume(0, 1, 2, 3)
        assert (result.dead_letters.payloads, result.marked) == ([2, 3], 4)


async def test_an_undecodable_record_goes_at_once_and_the_rest_is_delivered_without_it() -> None:
    seen: list[int] = []

    def consume(consumer: Noted) -> None:
        seen.extend(consumer.messages.payloads)

    async with trial(consumer_class(consume)) as test:
        result = await test.consume(0, BAD, 2)
        assert result.batches == [[0, 1, 2], [0, 2]]
        assert (seen, [dead.raw_payload for dead in result.dead_letters]) == ([0, 2], [BAD])
        assert (result.retries, result.waited_ms, result.marked) == ([], 0, 3)


async def test_two_undecodable_records_both_go_and_nothing_else() -> None:
    async with trial(consumer_class(lambda consumer: consumer.messages.payloads)) as test:
        result = await test.consume(BAD, 1, BAD, 3)
        assert result.batches == [[0, 1, 2, 3], [1, 2, 3], [1, 3]]
        assert [dead.raw_payload for dead in result.dead_letters] == [BAD] * 2


async def test_a_named_record_goes_and_what_stands_before_it_is_done() -> None:
    def consume(consumer: Noted) -> None:
        for message in consumer.messages:
            if message.offset == 2:
                raise MessageFailed(message) from ValueError("no such account")

    async with trial(consumer_class(consume)) as test:
        result = await test.consume(0, 1, 2, 3)
        assert result.batches == [[0, 1, 2, 3], [2, 3], [2, 3], [3]]
        assert result.dead_letters.payloads == [2]
        assert result.dead_letters[0].headers["error_class"] == "builtins.ValueError"


async def test_without_a_topic_it_is_skipped_and_told() -> None:
    async with trial(consumer_class(refusing(0)), dead_letter=DeadLetter(None, max_retries=0)) as test:
        result = await test.consume(0, 1)
        assert (result.skipped, list(result.dead_letters), result.marked) == ([0], [], 2)


async def test_the_offset_moves_only_when_the_dlq_has_it() -> None:
    async with trial(consumer_class(refusing(0)), dead_letter=DeadLetter("t.dlq", max_retries=0)) as test:
        test.broker.missing.add("t.dlq")
        result = await test.consume(0, for_ms=20_000)
        assert [type(error) for error in result.errors] == [ValueError, *[UnknownTopic] * 4]
        assert (result.attempts, result.marked) == ([1], None)
        test.broker.missing.clear()
        result = await test.settle()
        assert (result.dead_letters.payloads, result.attempts, result.marked) == ([0], [], 1)


async def test_while_one_partition_waits_the_others_go_on(stage: Stage) -> None:
    stage.client.give(records(0))
    stage.assign(line_of(consumer_class(refusing(0)), dead_letter=None, backoff=Backoff(5000, 5000, exponential=False)))
    await until(lambda: stage.heard.of(RetryScheduled), "it waits")
    made = consumer_class()
    stage.assign(line_of(made), OTHER)
    stage.client.give(records(0, 1, partition=1))
    await stage.marked(2, OTHER)
    assert [event.state for event in stage.heard.of(PartitionProgress)][:1] == ["retrying"]


async def test_a_pause_ends_with_the_assignment_and_nothing_is_dead_lettered() -> None:
    async with trial(consumer_class(refusing(0))) as test:
        await test.consume(0, for_ms=0)
        await test.revoke()
        assert (test.retries, list(test.dead_letters), test.committed()) == ([2000], [], None)
        assert test.hooks[-1] == "revoked"


async def test_attempts_go_on_counting_when_the_partition_comes_back_at_the_same_offset() -> None:
    async with trial(consumer_class(refusing(0)), dead_letter=DeadLetter("t.dlq", max_retries=1)) as test:
        await test.consume(0, for_ms=0)
        await test.revoke()
        result = await test.assign()
        assert (result.dead_letters.payloads, test.attempts) == ([0], [1, 2])


async def test_a_job_that_fails_after_its_partition_went_is_not_dead_lettered() -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def fails_late(consumer: Noted) -> None:
        entered.set()
        await leave.wait()
        assert consumer.is_revoked
        raise ValueError

    async with trial(consumer_class(fails_late), dead_letter=DeadLetter("t.dlq", max_retries=0)) as test:
        consuming = asyncio.create_task(test.consume(0))
        await entered.wait()
        revoking = asyncio.create_task(test.revoke())
        await until(lambda: test.consumer.is_revoked, "it is being taken away")
        leave.set()
        await revoking
        result = await consuming
        assert ([type(error) for error in result.errors], list(test.dead_letters)) == ([ValueError], [])
        assert (result.retries, test.committed()) == ([], None)


@settings(max_examples=60)
@given(
    guilty=st.sets(st.integers(0, 11)),
    undecodable=st.sets(st.integers(0, 11)),
    most=st.integers(1, 6),
    retries=st.integers(0, 2),
)
def test_only_the_guilty_go_each_once_and_every_other_is_done(
    guilty: set[int], undecodable: set[int], most: int, retries: int
) -> None:
    done: Counter[int] = Counter()

    def consume(consumer: Noted) -> None:
        for message in consumer.messages:
            _ = message.payload
            if message.offset in guilty:
                raise ValueError
        done.update(message.offset for message in consumer.messages)

    async def scenario() -> None:
        dead_letter = DeadLetter("t.dlq", max_retries=retries)
        async with trial(consumer_class(consume), max_messages=most, dead_letter=dead_letter) as test:
            result = await test.consume(*[BAD if offset in undecodable else offset for offset in range(12)])
            gone = [int(dead.headers["source_offset"]) for dead in result.dead_letters]
            assert sorted(gone) == sorted(guilty | undecodable)
            assert set(done) == set(range(12)) - guilty - undecodable
            assert result.marked == 12

    asyncio.run(scenario())


@pytest.mark.parametrize("error", [asyncio.CancelledError(), GeneratorExit(), BaseExceptionGroup("g", [ValueError()])])
async def test_an_error_that_is_not_an_exception_skips_no_batch(error: BaseException) -> None:
    failures = [error]

    def once(_: Noted) -> None:
        if failures:
            raise failures.pop()

    async with trial(consumer_class(once)) as test:
        result = await test.consume(0)
        assert (result.batches, result.marked) == ([[0], [0]], 1)


async def test_a_strategy_decides_on_each_failure_and_is_asked_again_about_the_guilty_one() -> None:
    asked: list[tuple[list[str], int, int]] = []

    def strategy(errors: Sequence[BaseException], attempt: int, message: Message) -> Retry | Dispatch:
        asked.append(([str(error) for error in errors], attempt, message.offset))
        return Retry(0) if attempt < 2 else Dispatch("other.dlq")

    async with trial(consumer_class(refusing(1)), dead_letter=DeadLetter("t.dlq", strategy=strategy)) as test:
        result = await test.consume(0, 1, 2)
        assert result.batches == [[0, 1, 2], [0, 1, 2], [0], [1], [2]]
        one = "offset 1"
        assert asked == [([one], 1, 0), ([one] * 2, 2, 0), ([one] * 3, 3, 1)]
        assert [(dead.topic, dead.payload) for dead in result.dead_letters] == [("other.dlq", 1)]
        assert result.marked == 3


async def test_a_strategy_may_skip_what_cannot_be_decoded_and_try_everything_else_for_ever() -> None:
    def strategy(errors: Sequence[BaseException], attempt: int, message: Message) -> type[Skip] | Retry:
        return Skip if isinstance(errors[-1], UndecodablePayload) else Retry(0)

    failures = [ValueError()] * 5

    def consume(consumer: Noted) -> None:
        for message in consumer.messages:
            assert message.payload is not None
        if failures:
            raise failures.pop()

    async with trial(consumer_class(consume), dead_letter=DeadLetter(None, strategy=strategy)) as test:
        result = await test.consume(0, BAD, 2)
        assert (result.skipped, result.marked) == ([1], 3)


async def test_a_strategy_that_stops_marks_nothing_and_stops_the_service() -> None:
    async with trial(consumer_class(refusing(0)), dead_letter=DeadLetter(None, strategy=lambda *_: Stop)) as test:
        with pytest.raises(ServiceStopped, match="offset 0"):
            await test.consume(0)
        assert (test.attempts, test.committed()) == ([1], None)


@pytest.mark.parametrize("answer", [lambda *_: "t.dlq", lambda *_: 1 / 0])
async def test_a_strategy_that_breaks_is_told_and_the_batch_is_tried_again(
    stage: Stage, answer: Callable[..., Skip]
) -> None:
    made = consumer_class(refusing(0))
    stage.client.give(records(0))
    stage.assign(line_of(made, dead_letter=DeadLetter("t.dlq", strategy=answer), backoff=Backoff(1, 1)))
    await until(lambda: len(made.attempts) >= 3, "it was retried")
    kinds = {event.kind for event in stage.heard.of(ErrorOccurred)}
    assert kinds == {"consumer.consume", "consumer.strategy"}
    assert stage.dead == []


async def test_an_error_whose_text_cannot_be_had_is_dead_lettered_all_the_same() -> None:
    class Silent(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def consume(_: Noted) -> None:
        raise Silent

    async with trial(consumer_class(consume), dead_letter=DeadLetter("t.dlq", max_retries=0)) as test:
        result = await test.consume(record(0, key="k"))
        assert "cannot be had" in result.dead_letters[0].headers["error_message"]


async def test_a_rebalance_does_not_cut_a_pause_short(stage: Stage) -> None:
    made = consumer_class(refusing(0))
    stage.client.give(records(0))
    line = line_of(made, dead_letter=None, backoff=Backoff(60_000, 60_000))
    worker = stage.assign(line)
    await until(lambda: stage.heard.of(RetryScheduled), "it pauses")
    worker.end(revoked=True)
    assert worker.task is not None
    await asyncio.wait_for(worker.task, 5)
    stage.client.give(records(0))
    again = stage.assign(line, epoch=2)
    await until(lambda: len(stage.heard.of(RetryScheduled)) == 2, "it pauses again")
    rest = stage.heard.of(RetryScheduled)[1]
    assert (again.state, rest.attempt, made.attempts) == ("retrying", 1, [1])
    assert 50_000 < rest.pause_ms <= 60_000


async def test_messages_that_a_failed_run_has_dealt_with_count_as_consumed(stage: Stage) -> None:
    failures = [2]

    def consume(consumer: Noted) -> None:
        if failures:
            raise MessageFailed(consumer.messages[failures.pop()])

    stage.client.give(records(0, 1, 2, 3))
    stage.assign(line_of(consumer_class(consume)))
    await stage.marked(4)
    assert [(event.outcome, event.done) for event in stage.heard.of(JobFinished)] == [("failed", 2), ("done", 2)]
