"""What a failed run means."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.consumers.example import ExampleConsumer
from app.consuming.decisions import GiveUp, GiveUpAll, Isolate, Retry, decide
from app.consuming.offsets import OffsetLedger
from app.errors import MessageFailed, UndecodablePayload
from app.messages import Headers, TopicPartition
from app.routes import Backoff, DeadLetter, Subscription


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
    assert decide(ValueError(), 99, BATCH, line) == Retry(1000)
    assert decide(UndecodablePayload(BATCH[2]), 1, BATCH, line) == Retry(200)


def test_a_batch_is_isolated_only_after_its_retries() -> None:
    assert decide(ValueError(), 2, BATCH, LINE) == Retry(400)
    assert decide(ValueError(), 3, BATCH, LINE) == Isolate()


def test_a_lone_record_needs_no_isolation() -> None:
    assert decide(ValueError(), 3, BATCH[:1], LINE) == GiveUp(0, 100, rest_first=False)


def test_an_undecodable_record_goes_at_once_and_without_a_pause() -> None:
    assert decide(UndecodablePayload(BATCH[3]), 1, BATCH, LINE) == GiveUp(3, 0, rest_first=True)


def test_a_named_record_goes_alone_after_its_retries() -> None:
    assert decide(MessageFailed(BATCH[2]), 2, BATCH[2:], LINE) == Retry(400)
    assert decide(MessageFailed(BATCH[2]), 3, BATCH[2:], LINE) == GiveUp(2, 100, rest_first=True)


def test_with_manual_offsets_the_first_unmarked_record_goes() -> None:
    line = replace(LINE, manual_offsets=True)
    assert decide(MessageFailed(BATCH[2]), 3, BATCH, line) == GiveUp(0, 100, rest_first=False)


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
    assert decide(ValueError(), 2, BATCH, line) == Retry(400)
    for error in (ValueError(), MessageFailed(BATCH[2])):
        assert decide(error, 3, BATCH, line) == GiveUpAll(100)
    assert decide(UndecodablePayload(BATCH[3]), 1, BATCH, line) == GiveUpAll(100)
