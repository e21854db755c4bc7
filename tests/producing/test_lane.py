"""The one sender of a partition."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest
from aiokafka import errors as kafka

from app.errors import BrokerUnavailable, DeliveryUnknown, KafkaUnavailable, RecordTooLarge, RefusedByBroker
from app.events import ErrorOccurred, MessagesSettled, ProducerRebuilt
from app.kafka.connection import InvalidRecord
from app.kafka.protocols import Answered, ClientOptions, RecordBatch
from app.messages import OutgoingMessage, TopicPartition
from app.producing.clients import ClientSlot
from app.producing.contract import encode
from app.producing.handle import QUEUED, DeliveryHandle
from app.producing.lane import COMPANY_ENOUGH, Lane, LaneServices
from tests.fakes import FakeKafka, Heard, StoredRecord
from tests.waiting import until

AT = TopicPartition("t", 0)


class Setting:
    """One lane, the broker behind it, and what listeners were told."""

    def __init__(self) -> None:
        self.heard = Heard(MessagesSettled, ErrorOccurred, ProducerRebuilt)
        self.kafka = FakeKafka({"t": 1})
        self.slot = ClientSlot(self.kafka.open_client, self.heard.monitor, "p")
        self.tasks: set[asyncio.Task[None]] = set()
        self.lane = Lane(AT, LaneServices(self.slot, self.kafka, self.heard.monitor, self._spawn, 0))
        self._sent = 0

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(coroutine)
        self.tasks.add(task)
        return task

    def add(self, *payloads: Any, deadline_s: float = 10, queued: bool = False) -> list[DeliveryHandle]:
        """Queues a message for each payload; `queued`: as an async call, which waits for nothing."""
        handles = []
        for payload in payloads:
            self._sent += 1
            message = encode(OutgoingMessage(topic="t", payload=payload), 10**7)
            handles.append(DeliveryHandle("t", message, 0, None, deadline_s, ("p", self._sent)))
            handles[-1].watch(None, (lambda _: None) if queued else None, lambda _: None)
            self.lane.add(handles[-1])
        return handles

    @property
    def stored(self) -> list[bytes | None]:
        return [record.value for record in self.kafka.stored.get(AT, [])]

    async def end(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@pytest.fixture
async def setting() -> AsyncIterator[Setting]:
    made = Setting()
    yield made
    await made.end()


async def verdicts(handles: list[DeliveryHandle]) -> list[str]:
    return [(await handle.wait(5)).status for handle in handles]


async def test_what_comes_while_a_batch_is_in_flight_goes_with_the_next_one(setting: Setting) -> None:
    setting.kafka.answers = False
    first = setting.add(b"0")
    await until(lambda: setting.kafka.unanswered, "the first batch was sent")
    rest = setting.add(*(str(number).encode() for number in range(1, 100)))
    assert len(setting.kafka.unanswered) == 1
    setting.kafka.answer_now()
    assert await verdicts(first + rest) == ["delivered"] * 100
    assert [handle.offset for handle in first + rest] == list(range(100))
    assert [event.messages for event in setting.heard.of(MessagesSettled)] == [1, 99]
    await until(lambda: setting.lane.idle, "the lane has no task when it has nothing to do")


async def test_a_batch_is_kept_below_the_topics_limit(setting: Setting) -> None:
    setting.kafka.max_record_bytes = 1000
    handles = setting.add(*(b"x" * 300 for _ in range(7)))
    assert await verdicts(handles) == ["delivered"] * 7
    assert [event.messages for event in setting.heard.of(MessagesSettled)] == [2, 2, 2, 1]


async def test_a_record_that_is_too_large_never_reaches_the_client_and_others_pass_it(setting: Setting) -> None:
    setting.kafka.max_record_bytes = 1000
    handles = setting.add(b"a", b"x" * 2000, b"b")
    assert await verdicts(handles) == ["delivered", "failed", "delivered"]
    assert isinstance(handles[1].error, RecordTooLarge)
    assert setting.stored == [b"a", b"b"]
    assert handles[1].attempts == 0


async def test_of_a_refused_batch_only_the_guilty_record_fails_and_order_is_kept(setting: Setting) -> None:
    def refuses(record: StoredRecord) -> Exception | None:
        return InvalidRecord() if record.value == b"bad" else None

    setting.kafka.refuses = refuses
    handles = setting.add(b"1", b"2", b"bad", b"3")
    later = setting.add(b"4", b"5")
    assert await verdicts(handles + later) == [
        "delivered",
        "delivered",
        "failed",
        "delivered",
        "delivered",
        "delivered",
    ]
    assert isinstance(handles[2].error, RefusedByBroker)
    assert setting.stored == [b"1", b"2", b"3", b"4", b"5"]


async def test_a_batch_out_of_sequence_is_sent_again_by_a_new_client(setting: Setting) -> None:
    refusals = [kafka.OutOfOrderSequenceNumber(), kafka.OutOfOrderSequenceNumber()]
    setting.kafka.refuses = lambda _: refusals.pop() if refusals else None
    handles = setting.add(b"1", b"2")
    assert await verdicts(handles) == ["delivered", "delivered"]
    assert setting.stored == [b"1", b"2"]
    assert setting.slot.rebuilds >= 1


async def test_a_batch_out_of_sequence_without_end_fails_and_is_certainly_not_stored(setting: Setting) -> None:
    setting.kafka.refuses = lambda _: kafka.OutOfOrderSequenceNumber()
    handles = setting.add(b"1")
    assert await verdicts(handles) == ["failed"]
    assert isinstance(handles[0].error, BrokerUnavailable)
    assert handles[0].attempts == 4


async def test_an_answer_that_says_nothing_leaves_it_unknown_and_retires_the_client(setting: Setting) -> None:
    answers = [kafka.RequestTimedOutError()]
    setting.kafka.refuses = lambda _: answers.pop() if answers else None
    unknown = setting.add(b"1")
    assert await verdicts(unknown) == ["unknown"]
    assert await verdicts(setting.add(b"2")) == ["delivered"]
    assert setting.slot.rebuilds == 1


async def test_an_overdue_batch_is_unknown_and_what_waits_behind_it_certainly_not_stored(setting: Setting) -> None:
    setting.kafka.answers = False
    sent = setting.add(b"1", deadline_s=0.05)
    await until(lambda: setting.kafka.unanswered, "the batch was sent")
    waiting = setting.add(b"2", deadline_s=0.05)
    setting.lane.check_deadlines(time.monotonic() + 1)
    assert await verdicts(waiting) == ["failed"]
    assert await verdicts(sent) == ["unknown"]
    assert isinstance(sent[0].error, DeliveryUnknown)
    assert setting.slot.rebuilds == 1


async def test_what_the_client_does_not_take_is_offered_again_in_order(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    send, refusals = setting.kafka.send, [kafka.KafkaConnectionError(), AssertionError("no leader")]

    async def refuses_twice(
        batch: RecordBatch, partition: TopicPartition, answered: Answered, *, timeout_s: float
    ) -> None:
        if refusals:
            raise refusals.pop()
        await send(batch, partition, answered, timeout_s=timeout_s)

    monkeypatch.setattr(setting.kafka, "send", refuses_twice)
    handles = setting.add(b"1", b"2")
    assert await verdicts(handles) == ["delivered", "delivered"]
    assert setting.stored == [b"1", b"2"]
    assert {handle.attempts for handle in handles} == {3}


async def test_what_the_client_never_took_is_certainly_not_stored(setting: Setting) -> None:
    setting.kafka.takes = False
    handles = setting.add(b"1", b"2", deadline_s=0.05)
    await until(lambda: handles[0].attempts == 1 and handles[0].state == QUEUED, "it was offered in vain")
    setting.lane.check_deadlines(time.monotonic())
    setting.kafka.takes = True
    assert await verdicts(handles) == ["failed", "failed"]
    assert await verdicts(setting.add(b"3")) == ["delivered"]
    assert setting.stored == [b"3"]


async def test_while_no_client_can_be_had_messages_wait_for_their_deadline(setting: Setting) -> None:
    async def refuse(options: ClientOptions) -> FakeKafka:
        raise KafkaUnavailable

    slot = ClientSlot(refuse, setting.heard.monitor, "p")
    lane = Lane(AT, LaneServices(slot, setting.kafka, setting.heard.monitor, setting._spawn, 0))
    setting.lane = lane
    handles = setting.add(b"1", deadline_s=0.01)
    await asyncio.sleep(0.02)
    lane.check_deadlines(time.monotonic())
    assert await verdicts(handles) == ["failed"]
    assert handles[0].attempts == 0


async def test_a_defect_in_who_is_told_of_a_verdict_leaves_the_others_not_without_one(setting: Setting) -> None:
    def broken(_: DeliveryHandle) -> None:
        raise RuntimeError("a defect")

    setting.kafka.answers = False
    handles = setting.add(b"1", b"2")
    await until(lambda: setting.kafka.unanswered, "the batch was sent")
    handles[0].watch(broken, None, lambda _: None)
    setting.kafka.answer_now()
    assert await verdicts(handles) == ["delivered", "unknown"]
    assert [event.kind for event in setting.heard.of(ErrorOccurred)] == ["producer.deliver"]
    assert await verdicts(setting.add(b"3")) == ["delivered"]


async def test_a_defect_leaves_no_message_without_a_verdict(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(setting.lane, "_fill", broken)
    handles = setting.add(b"1", b"2")
    assert await verdicts(handles) == ["failed", "failed"]
    assert [event.kind for event in setting.heard.of(ErrorOccurred)] == ["producer.deliver"]


async def test_taking_back_all_that_waits(setting: Setting) -> None:
    setting.kafka.answers = False
    sent = setting.add(b"1")
    await until(lambda: setting.kafka.unanswered, "the batch was sent")
    waiting = setting.add(b"2", b"3")
    setting.lane.withdraw_all(lambda: BrokerUnavailable("gone"))
    assert await verdicts(waiting) == ["failed", "failed"]
    setting.kafka.answer_now()
    assert await verdicts(sent) == ["delivered"]
    assert setting.stored == [b"1"]


async def in_flight_then(setting: Setting) -> None:
    """Brings the lane to where one batch has been answered and the next is to be formed."""
    setting.kafka.answers = False
    setting.add(b"first", queued=True)
    await until(lambda: setting.kafka.unanswered, "the first batch was sent")


async def test_under_load_messages_that_no_call_waits_for_are_collected(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.producing.lane.COMPANY_WAIT_S", 30)
    await in_flight_then(setting)
    early = setting.add(b"1", queued=True)
    setting.kafka.answer_now()
    await asyncio.sleep(0.02)
    assert early[0].status is None
    late = setting.add(*([b"2"] * (COMPANY_ENOUGH - 1)), queued=True)
    assert set(await verdicts(early + late)) == {"delivered"}
    assert [event.messages for event in setting.heard.of(MessagesSettled)] == [1, COMPANY_ENOUGH]


async def test_a_call_that_waits_is_not_held_up_by_those_that_do_not(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.producing.lane.COMPANY_WAIT_S", 30)
    await in_flight_then(setting)
    queued = setting.add(b"1", queued=True)
    setting.kafka.answer_now()
    await asyncio.sleep(0.02)
    waiting = setting.add(b"2")
    assert await verdicts(queued + waiting) == ["delivered", "delivered"]
    assert setting.stored == [b"first", b"1", b"2"]


async def test_a_call_that_came_while_a_batch_was_in_flight_goes_with_the_next(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.producing.lane.COMPANY_WAIT_S", 30)
    await in_flight_then(setting)
    handles = setting.add(b"1") + setting.add(b"2", queued=True)
    setting.kafka.answer_now()
    assert await verdicts(handles) == ["delivered", "delivered"]


async def test_the_wait_for_company_has_an_end(setting: Setting) -> None:
    await in_flight_then(setting)
    queued = setting.add(b"1", queued=True)
    setting.kafka.answer_now()
    assert await verdicts(queued) == ["delivered"]


async def test_a_lone_message_is_sent_at_once(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.producing.lane.COMPANY_WAIT_S", 30)
    for payload in (b"1", b"2"):
        assert await verdicts(setting.add(payload, queued=True)) == ["delivered"]
        await until(lambda: setting.lane.idle, "the lane rests")
