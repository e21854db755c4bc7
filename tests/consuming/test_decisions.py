"""What a failed run means."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.consumers.example import ExampleConsumer
from app.consuming.decisions import GiveUp, GiveUpAll, Isolate, RunAgain, StopService, decide, decide_by
from app.consuming.offsets import OffsetLedger
from app.errors import MessageFailed, UndecodablePayload
from app.messages import Headers, TopicPartition
from app.routes import Backoff, DeadLetter, Dispatch, Retry, Skip, Stop, Subscription


@dataclass(frozen=True)
class Stored:
    offset: int
    topic: str = "t"
    partition: int = 0
    timestamp: int = 0
    key: bytes | None = None
    value: bytes | None = None
    headers: Headers = ()


LINE = Subscription(
    topic="t",
    pattern=None,
    name="t",
    consumer=ExampleConsumer,
    group="g",
    max_messages=10,
    min_messages=1,
    max_wait_ms=1000,
    initial_offset="earliest",
    manual_offsets=False,
    dead_letter=DeadLetter("t.dlq", max_retries=2),
    backoff=Backoff(100, 1000),
)
BATCH = [Stored(offset) for offset in range(5)]


def test_without_a_dlq_everything_is_retried_for_ever() -> None:
    line = replace(LINE, dead_letter=None)
    assert decide(ValueError(), 99, BATCH, line) == RunAgain(1000)
    assert decide(UndecodablePayload(BATCH[2]), 1, BATCH, line) == RunAgain(200)


def test_a_batch_is_isolated_only_after_its_retries() -> None:
    assert decide(ValueError(), 2, BATCH, LINE) == RunAgain(400)
    assert decide(ValueError(), 3, BATCH, LINE) == Isolate()


def test_a_lone_record_needs_no_isolation() -> None:
    assert decide(ValueError(), 3, BATCH[:1], LINE) == GiveUp(0, "t.dlq", 100)


def test_an_undecodable_record_goes_at_once_and_without_a_pause() -> None:
    assert decide(UndecodablePayload(BATCH[3]), 1, BATCH, LINE) == GiveUp(3, "t.dlq", 0)


def test_a_named_record_goes_alone_after_its_retries() -> None:
    assert decide(MessageFailed(BATCH[2]), 2, BATCH[2:], LINE) == RunAgain(400)
    assert decide(MessageFailed(BATCH[2]), 3, BATCH[2:], LINE) == GiveUp(2, "t.dlq", 100)


def test_with_manual_offsets_the_first_unmarked_record_goes() -> None:
    line = replace(LINE, manual_offsets=True)
    assert decide(MessageFailed(BATCH[2]), 3, BATCH, line) == GiveUp(0, "t.dlq", 100)


def test_marks_only_go_forward_and_a_passed_epoch_marks_nothing() -> None:
    ledger, at = OffsetLedger(), TopicPartition("t", 0)
    ledger.assign(at, epoch=1, committed=3)
    assert ledger.to_commit() == {}
    assert ledger.mark(at, 1, 5)
    assert ledger.mark(at, 1, 4)
    assert ledger.to_commit() == {at: 5}
    ledger.settle({at: 5})
    assert ledger.to_commit() == {}
    ledger.assign(at, epoch=2, committed=5)
    assert not ledger.mark(at, 1, 9)
    assert ledger.to_commit() == {}


def test_where_the_batch_goes_as_a_whole_nothing_is_searched_for() -> None:
    line = replace(LINE, dead_letter=DeadLetter("t.dlq", max_retries=2, batch=True))
    assert decide(ValueError(), 2, BATCH, line) == RunAgain(400)
    for error in (ValueError(), MessageFailed(BATCH[2])):
        assert decide(error, 3, BATCH, line) == GiveUpAll("t.dlq", 100)
    assert decide(UndecodablePayload(BATCH[3]), 1, BATCH, line) == GiveUpAll("t.dlq", 100)


def test_a_strategys_retry_waits_as_it_says_or_as_the_line_says() -> None:
    assert decide_by(Retry(7), ValueError(), 1, BATCH, LINE) == RunAgain(7)
    assert decide_by(Retry(0), ValueError(), 1, BATCH, LINE) == RunAgain(0)
    assert decide_by(Retry(), ValueError(), 2, BATCH, LINE) == RunAgain(400)


def test_what_a_strategy_gives_up_is_searched_for_where_it_is_not_known() -> None:
    for verdict in (Dispatch("other.dlq"), Skip()):
        assert decide_by(verdict, ValueError(), 1, BATCH, LINE) == Isolate()
    assert decide_by(Dispatch("other.dlq"), ValueError(), 1, BATCH[:1], LINE) == GiveUp(0, "other.dlq", 100)
    assert decide_by(Skip(), MessageFailed(BATCH[2]), 1, BATCH, LINE) == GiveUp(2, None, 100)


def test_a_strategy_may_give_up_the_first_or_all_of_them() -> None:
    first = replace(LINE, dead_letter=DeadLetter("t.dlq", isolate=False))
    assert decide_by(Skip(), ValueError(), 1, BATCH, first) == GiveUp(0, None, 100)
    whole = replace(LINE, dead_letter=DeadLetter("t.dlq", batch=True))
    assert decide_by(Dispatch("other.dlq"), ValueError(), 1, BATCH, whole) == GiveUpAll("other.dlq", 100)


def test_a_strategy_may_stop_the_service() -> None:
    assert decide_by(Stop(), ValueError(), 1, BATCH, LINE) == StopService()
