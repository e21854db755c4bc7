"""What becomes of a batch that failed: retried, searched for the guilty record, given up."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import MessageFailed, UndecodablePayload
from app.events import DeadLetterDispatched, ErrorOccurred, PartitionProgress, RetryScheduled
from app.messages import Message
from app.routes import Backoff, DeadLetter, Dispatch, Retry, Skip, Stop
from tests.consuming.stage import AT, OTHER, Noted, Stage, bad, consumer_class, line_of
from tests.fakes import records
from tests.waiting import until


def refusing(*guilty: int) -> Callable[[Noted], None]:
    """Fails every batch that has one of these offsets in it."""

    def consume(consumer: Noted) -> None:
        for message in consumer.messages:
            if message.offset in guilty:
                raise ValueError(f"offset {message.offset}")

    return consume


async def test_a_failed_batch_is_run_again_after_its_pause(stage: Stage) -> None:
    failures = [ValueError("once")]

    def once(_: Noted) -> None:
        if failures:
            raise failures.pop()

    made = consumer_class(once)
    stage.client.give(records(0, 1))
    stage.assign(line_of(made, backoff=Backoff(3, 100)))
    await stage.marked(2)
    assert (made.batches, made.attempts) == ([[0, 1], [0, 1]], [1, 2])
    assert [(event.pause_ms, event.offset, event.attempt) for event in stage.heard.of(RetryScheduled)] == [(6, 0, 1)]
    assert stage.attempts == {}


async def test_without_a_dlq_it_is_retried_for_ever_with_growing_pauses(stage: Stage) -> None:
    made = consumer_class(refusing(0))
    stage.client.give(records(0))
    stage.assign(line_of(made, dead_letter=None, backoff=Backoff(1, 8)))
    await until(lambda: len(made.attempts) >= 7, "it was retried often")
    assert made.attempts[:7] == [1, 2, 3, 4, 5, 6, 7]
    assert [event.pause_ms for event in stage.heard.of(RetryScheduled)][:5] == [2, 4, 8, 8, 8]
    assert stage.ledger.marked(AT) is None


async def test_what_was_marked_is_not_run_again_and_progress_starts_counting_anew(stage: Stage) -> None:
    failures = iter([2, 3, 3])

    def consume(consumer: Noted) -> None:
        until_offset = next(failures, None)
        if until_offset is not None:
            consumer.mark_as_consumed(next(m for m in consumer.messages if m.offset == until_offset - 1))
            raise ValueError

    made = consumer_class(consume)
    stage.client.give(records(0, 1, 2, 3))
    stage.assign(line_of(made))
    await stage.marked(4)
    assert made.batches == [[0, 1, 2, 3], [2, 3], [3], [3]]
    assert made.attempts == [1, 2, 2, 3]


async def test_the_guilty_record_goes_to_the_dlq_alone(stage: Stage) -> None:
    made = consumer_class(refusing(2))
    stage.client.give(records(0, 1, 2, 3, 4))
    stage.assign(line_of(made))
    await stage.marked(5)
    assert stage.dead == [b"2"]
    assert made.batches == [[0, 1, 2, 3, 4]] * 3 + [[0], [1], [2], [3, 4]]
    told = stage.heard.of(DeadLetterDispatched)
    assert [(event.offset, event.dlq_topic) for event in told] == [(2, "t.dlq")]


async def test_each_guilty_record_gets_retries_of_its_own(stage: Stage) -> None:
    made = consumer_class(refusing(0, 2))
    stage.client.give(records(0, 1, 2))
    stage.assign(line_of(made))
    await stage.marked(3)
    assert stage.dead == [b"0", b"2"]
    assert made.batches == [[0, 1, 2]] * 3 + [[0]] + [[1, 2]] * 3 + [[1], [2]]


async def test_a_lone_record_needs_no_search(stage: Stage) -> None:
    made = consumer_class(refusing(0))
    stage.client.give(records(0))
    stage.assign(line_of(made))
    await stage.marked(1)
    assert (made.batches, stage.dead) == ([[0]] * 3, [b"0"])


async def test_without_isolation_the_first_unmarked_record_goes(stage: Stage) -> None:
    made = consumer_class(refusing(1))
    stage.client.give(records(0, 1, 2))
    stage.assign(line_of(made, dead_letter=DeadLetter("t.dlq", max_retries=0, isolate=False)))
    await stage.marked(3)
    assert stage.dead == [b"0", b"1"]


async def test_the_whole_batch_goes_in_order_where_that_is_asked(stage: Stage) -> None:
    made = consumer_class(refusing(2))
    stage.client.give(records(0, 1, 2, 3, 4))
    stage.assign(line_of(made, dead_letter=DeadLetter("t.dlq", max_retries=1, batch=True), max_messages=4))
    await stage.marked(5)
    assert stage.dead == [b"0", b"1", b"2", b"3"]
    assert made.batches == [[0, 1, 2, 3], [0, 1, 2, 3], [4]]
    assert {dict(record.headers)["source_attempts"] for record in stage.kafka.records("t.dlq")} == {b"2"}


async def test_what_was_marked_does_not_go_with_the_batch(stage: Stage) -> None:
    def consume(consumer: Noted) -> None:
        consumer.mark_as_consumed(consumer.messages[1])
        raise ValueError

    stage.client.give(records(0, 1, 2, 3))
    stage.assign(line_of(consumer_class(consume), dead_letter=DeadLetter("t.dlq", max_retries=0, batch=True)))
    await stage.marked(4)
    assert stage.dead == [b"2", b"3"]


async def test_an_undecodable_record_goes_at_once_and_the_rest_is_delivered_without_it(stage: Stage) -> None:
    seen: list[int] = []

    def consume(consumer: Noted) -> None:
        seen.extend(consumer.messages.payloads)

    made = consumer_class(consume)
    stage.client.give([*records(0), bad(1), *records(2)])
    stage.assign(line_of(made))
    await stage.marked(3)
    assert made.batches == [[0, 1, 2], [0, 2]]
    assert (seen, stage.dead) == ([0, 2], [b"\xff{"])
    assert stage.heard.of(RetryScheduled) == []


async def test_two_undecodable_records_both_go_and_nothing_else(stage: Stage) -> None:
    made = consumer_class(lambda consumer: consumer.messages.payloads)
    stage.client.give([bad(0), *records(1), bad(2), *records(3)])
    stage.assign(line_of(made))
    await stage.marked(4)
    assert made.batches == [[0, 1, 2, 3], [1, 2, 3], [1, 3]]
    assert stage.dead == [b"\xff{"] * 2


async def test_a_named_record_goes_and_what_stands_before_it_is_done(stage: Stage) -> None:
    def consume(consumer: Noted) -> None:
        for message in consumer.messages:
            if message.offset == 2:
                raise MessageFailed(message) from ValueError("no such account")

    made = consumer_class(consume)
    stage.client.give(records(0, 1, 2, 3))
    stage.assign(line_of(made))
    await stage.marked(4)
    assert made.batches == [[0, 1, 2, 3], [2, 3], [2, 3], [3]]
    assert stage.dead == [b"2"]
    assert dict(stage.kafka.records("t.dlq")[0].headers)["error_class"] == b"builtins.ValueError"


async def test_without_a_topic_it_is_skipped_and_told(stage: Stage) -> None:
    stage.client.give(records(0, 1))
    stage.assign(line_of(consumer_class(refusing(0)), dead_letter=DeadLetter(None, max_retries=0)))
    await stage.marked(2)
    assert [(event.offset, event.dlq_topic) for event in stage.heard.of(DeadLetterDispatched)] == [(0, None)]
    assert stage.dead == []


async def test_the_offset_moves_only_when_the_dlq_has_it(stage: Stage) -> None:
    stage.kafka.topic_partitions.pop("t.dlq")
    stage.client.give(records(0))
    stage.assign(line_of(consumer_class(refusing(0)), dead_letter=DeadLetter("t.dlq", max_retries=0)))
    await until(
        lambda: len([e for e in stage.heard.of(ErrorOccurred) if e.kind == "consumer.dead_letter"]) >= 2, "tried"
    )
    assert stage.ledger.marked(AT) is None
    stage.kafka.topic_partitions["t.dlq"] = 3
    await stage.marked(1)
    assert stage.dead == [b"0"]


async def test_while_one_partition_waits_the_others_go_on(stage: Stage) -> None:
    stage.client.give(records(0))
    stage.assign(line_of(consumer_class(refusing(0)), dead_letter=None, backoff=Backoff(5000, 5000, exponential=False)))
    await until(lambda: stage.heard.of(RetryScheduled), "it waits")
    made = consumer_class()
    stage.assign(line_of(made), OTHER)
    stage.client.give(records(0, 1, partition=1))
    await stage.marked(2, OTHER)
    assert [event.state for event in stage.heard.of(PartitionProgress)][:1] == ["retrying"]


async def test_a_pause_ends_with_the_assignment_and_nothing_is_dead_lettered(stage: Stage) -> None:
    stage.client.give(records(0))
    line = line_of(consumer_class(refusing(0)), backoff=Backoff(60_000, 60_000))
    worker = stage.assign(line)
    await until(lambda: worker.state == "retrying", "it waits")
    worker.end(revoked=True)
    assert worker.task is not None
    await asyncio.wait_for(worker.task, 5)
    assert stage.dead == []
    assert stage.ledger.marked(AT) is None


async def test_attempts_go_on_counting_when_the_partition_comes_back_at_the_same_offset(stage: Stage) -> None:
    made = consumer_class(refusing(0))
    stage.client.give(records(0))
    line = line_of(made, backoff=Backoff(60_000, 60_000), dead_letter=DeadLetter("t.dlq", max_retries=1))
    worker = stage.assign(line)
    await until(lambda: worker.state == "retrying", "it waits")
    worker.end(revoked=True)
    stage.client.give(records(0))
    stage.assign(line, epoch=2)
    await until(lambda: stage.dead, "the second run was the last")
    assert made.attempts == [1, 2]


async def test_a_job_that_fails_after_its_partition_went_is_not_dead_lettered(stage: Stage) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def fails_late(_: Noted) -> None:
        entered.set()
        await leave.wait()
        raise ValueError

    stage.client.give(records(0))
    worker = stage.assign(line_of(consumer_class(fails_late), dead_letter=DeadLetter("t.dlq", max_retries=0)))
    await entered.wait()
    worker.end(revoked=True)
    leave.set()
    assert worker.task is not None
    await asyncio.wait_for(worker.task, 5)
    assert stage.dead == []


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
    async def scenario() -> None:
        stage = Stage()
        done: Counter[int] = Counter()

        def consume(consumer: Noted) -> None:
            for message in consumer.messages:
                _ = message.payload
                if message.offset in guilty:
                    raise ValueError
            done.update(message.offset for message in consumer.messages)

        for offset in range(12):
            stage.client.give([bad(offset)] if offset in undecodable else records(offset))
        line = line_of(
            consumer_class(consume),
            max_messages=most,
            backoff=Backoff(0, 0),
            dead_letter=DeadLetter("t.dlq", max_retries=retries),
        )
        stage.assign(line)
        await stage.marked(12)
        gone = [event.offset for event in stage.heard.of(DeadLetterDispatched)]
        assert sorted(gone) == sorted(guilty | undecodable)
        assert set(done) == set(range(12)) - guilty - undecodable
        await stage.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("error", [asyncio.CancelledError(), GeneratorExit(), BaseExceptionGroup("g", [ValueError()])])
async def test_an_error_that_is_not_an_exception_skips_no_batch(stage: Stage, error: BaseException) -> None:
    failures = [error]

    def once(_: Noted) -> None:
        if failures:
            raise failures.pop()

    made = consumer_class(once)
    stage.client.give(records(0))
    stage.assign(line_of(made))
    await stage.marked(1)
    assert made.batches == [[0], [0]]


async def test_a_strategy_decides_on_each_failure_and_is_asked_again_about_the_guilty_one(stage: Stage) -> None:
    asked: list[tuple[list[str], int, int]] = []

    def strategy(errors: Sequence[BaseException], attempt: int, message: Message) -> Retry | Dispatch:
        asked.append(([str(error) for error in errors], attempt, message.offset))
        return Retry(0) if attempt < 2 else Dispatch("other.dlq")

    stage.kafka.topic_partitions["other.dlq"] = 1
    made = consumer_class(refusing(1))
    stage.client.give(records(0, 1, 2))
    stage.assign(line_of(made, dead_letter=DeadLetter("t.dlq", strategy=strategy)))
    await stage.marked(3)
    assert made.batches == [[0, 1, 2], [0, 1, 2], [0], [1], [2]]
    one = "offset 1"
    assert asked == [([one], 1, 0), ([one] * 2, 2, 0), ([one] * 3, 3, 1)]
    assert [record.value for record in stage.kafka.records("other.dlq")] == [b"1"]
    assert stage.dead == []


async def test_a_strategy_may_skip_what_cannot_be_decoded_and_try_everything_else_for_ever(stage: Stage) -> None:
    def strategy(errors: Sequence[BaseException], attempt: int, message: Message) -> type[Skip] | Retry:
        return Skip if isinstance(errors[-1], UndecodablePayload) else Retry(0)

    failures = [ValueError()] * 5

    def consume(consumer: Noted) -> None:
        for message in consumer.messages:
            assert message.payload is not None
        if failures:
            raise failures.pop()

    stage.client.give([*records(0), bad(1), *records(2)])
    stage.assign(line_of(consumer_class(consume), dead_letter=DeadLetter(None, strategy=strategy)))
    await stage.marked(3)
    assert [(event.offset, event.dlq_topic) for event in stage.heard.of(DeadLetterDispatched)] == [(1, None)]


async def test_a_strategy_that_stops_marks_nothing_and_stops_the_service(stage: Stage) -> None:
    stage.client.give(records(0))
    made = consumer_class(refusing(0))
    worker = stage.assign(line_of(made, dead_letter=DeadLetter(None, strategy=lambda *_: Stop)))
    assert worker.task is not None
    await asyncio.wait_for(worker.task, 5)
    assert [str(error) for error in stage.critical] == ["offset 0"]
    assert stage.ledger.marked(AT) is None


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


async def test_an_error_whose_text_cannot_be_had_is_dead_lettered_all_the_same(stage: Stage) -> None:
    class Silent(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def consume(_: Noted) -> None:
        raise Silent

    stage.client.give(records(0))
    stage.assign(line_of(consumer_class(consume), dead_letter=DeadLetter("t.dlq", max_retries=0)))
    await stage.marked(1)
    assert b"cannot be had" in (dict(stage.kafka.records("t.dlq")[0].headers)["error_message"] or b"")
