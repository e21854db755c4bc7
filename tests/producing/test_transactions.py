"""Transactions on a broker that answers as it is told: what is in them, what ends them, whose they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.errors import (
    AbortTransaction,
    BrokerUnavailable,
    KafkaUnavailable,
    ProducerClosed,
    QueueFull,
    RefusedByBroker,
    RolledBack,
    SettingsInvalid,
    TransactionAborted,
    TransactionError,
    TransactionFenced,
    TransactionUnknown,
)
from app.events import ErrorOccurred, TransactionCommitted, TransactionStarted
from app.events import TransactionAborted as TransactionAbortedEvent
from app.kafka.connection import InvalidRecord
from app.messages import OutgoingMessage, TopicPartition
from app.producer import Producer
from app.producing import transaction_pool
from tests.conftest import make_settings
from tests.fakes import FakeKafka, Heard
from tests.waiting import until


class Setting:
    """A producer that may use transactions, and the broker it speaks to."""

    def __init__(self, **changes: object) -> None:
        self.kafka = FakeKafka({"t": 1, "many": 4})
        self.heard = Heard(TransactionStarted, TransactionCommitted, TransactionAbortedEvent, ErrorOccurred)
        settings = make_settings("kafka:9092", **{"producer_transactional_id_prefix": "app", **changes})
        self.producer = Producer(settings, self.kafka, self.kafka.open_client, self.heard.monitor)

    @property
    def stored(self) -> list[bytes | None]:
        return [record.value for topic in ("t", "many") for record in self.kafka.records(topic)]

    @property
    def opened_ids(self) -> list[str]:
        return [options.transactional_id for options in self.kafka.opened if options.transactional_id]

    async def close(self) -> None:
        self.kafka.answer_now()
        await self.producer.close(0.2)


@pytest.fixture
async def setting() -> AsyncIterator[Setting]:
    made = Setting()
    yield made
    await made.close()


async def test_what_a_block_sends_is_stored_when_it_ends(setting: Setting) -> None:
    producer = setting.producer
    async with producer.transaction():
        first = await producer.produce_sync(topic="t", payload=1)
        handle = await producer.produce_async(topic="t", payload=2)
        reports = await producer.produce_many_sync([{"topic": "t", "payload": 3}, {"topic": "many", "payload": 4}])
        assert setting.stored == []
    assert handle.status == "delivered"
    assert [first.offset, handle.offset, reports[0].offset] == [0, 1, 2]
    assert setting.stored == [b"1", b"2", b"3", b"4"]
    (committed,) = setting.heard.of(TransactionCommitted)
    assert committed.messages == 4
    assert committed.producer_id == producer.id
    assert len(setting.heard.of(TransactionStarted)) == 1


async def test_an_error_of_the_block_aborts_it_and_goes_on(setting: Setting) -> None:

    async def block() -> None:
        async with setting.producer.transaction():
            await setting.producer.produce_sync(topic="t", payload=1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await block()
    await setting.producer.produce_sync(topic="t", payload=2)
    assert setting.stored == [b"2"]
    assert [event.outcome for event in setting.heard.of(TransactionAbortedEvent)] == ["aborted"]
    async with setting.producer.transaction():
        await setting.producer.produce_sync(topic="t", payload=3)
    assert setting.stored == [b"2", b"3"]
    assert len(setting.opened_ids) == 1, "an orderly abort leaves a client that may be used again"


async def test_abort_transaction_aborts_quietly(setting: Setting) -> None:
    async with setting.producer.transaction():
        await setting.producer.produce_sync(topic="t", payload=1)
        raise AbortTransaction
    assert setting.stored == []
    assert len(setting.heard.of(TransactionAbortedEvent)) == 1


async def test_one_refused_message_aborts_all_even_where_its_error_is_swallowed(setting: Setting) -> None:
    setting.kafka.refuses = lambda record: InvalidRecord() if record.value == b"2" else None

    async def block() -> None:
        async with setting.producer.transaction():
            await setting.producer.produce_sync(topic="t", payload=1)
            with pytest.raises((RefusedByBroker, RolledBack)):
                await setting.producer.produce_sync(topic="t", payload=2)
            with pytest.raises(RolledBack):
                await setting.producer.produce_sync(topic="t", payload=3)

    with pytest.raises(TransactionAborted) as raised:
        await block()
    assert raised.value.__cause__ is not None
    assert setting.stored == []


async def test_one_refused_message_that_nobody_waited_for_aborts_all(setting: Setting) -> None:
    setting.kafka.refuses = lambda record: InvalidRecord() if record.value == b"2" else None

    async def block() -> None:
        async with setting.producer.transaction():
            for number in range(3):
                await setting.producer.produce_async(topic="t", payload=number)
            await setting.producer.produce_async(topic="many", payload=9)

    with pytest.raises(TransactionAborted):
        await block()
    assert setting.stored == []
    assert setting.producer.in_flight == 0


async def test_a_client_on_which_a_message_failed_is_replaced_at_once_by_one_of_the_same_id(setting: Setting) -> None:
    setting.kafka.refuses = lambda record: InvalidRecord()
    with pytest.raises(TransactionAborted):
        async with setting.producer.transaction():
            await setting.producer.produce_async(topic="t", payload=1)
    await until(lambda: len(setting.opened_ids) == 2, "the next client aborts what the first has left open")
    assert len(set(setting.opened_ids)) == 1


async def test_a_nested_transaction_is_a_part_of_the_outer_one(setting: Setting) -> None:
    producer = setting.producer
    async with producer.transaction() as outer:
        await producer.produce_sync(topic="t", payload=1)
        async with producer.transaction() as inner:
            await producer.produce_sync(topic="t", payload=2)
        assert inner is outer
        assert setting.stored == []
    assert setting.stored == [b"1", b"2"]

    async def block() -> None:
        async with producer.transaction():
            await producer.produce_sync(topic="t", payload=3)
            async with producer.transaction():
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await block()
    assert setting.stored == [b"1", b"2"]


async def test_sends_of_other_tasks_never_join(setting: Setting) -> None:
    producer = setting.producer
    async with producer.transaction():
        await producer.produce_sync(topic="t", payload="inside")
        await asyncio.create_task(producer.produce_sync(topic="t", payload="another task"))
        assert setting.stored == [b"another task"]
        raise AbortTransaction
    assert setting.stored == [b"another task"]


async def test_transactions_of_many_tasks_have_clients_of_their_own_from_a_small_pool(setting: Setting) -> None:
    open_now, most = 0, 0

    async def one(number: int) -> None:
        nonlocal open_now, most
        async with setting.producer.transaction():
            open_now += 1
            most = max(most, open_now)
            await setting.producer.produce_sync(topic="many", key=str(number), payload=number)
            await asyncio.sleep(0)
            open_now -= 1

    await asyncio.gather(*(one(number) for number in range(40)))
    assert sorted(int(value or b"") for value in setting.stored) == list(range(40))
    assert 1 < most <= transaction_pool.CLIENTS
    assert len(setting.opened_ids) == len(set(setting.opened_ids)) <= transaction_pool.CLIENTS
    assert all(name.startswith("app.") for name in setting.opened_ids)


async def test_offsets_of_a_consumer_join_and_of_one_group_only(setting: Setting) -> None:
    at = TopicPartition("in", 0)
    async with setting.producer.transaction() as transaction:
        await setting.producer.send_offsets_to_transaction({("in", 0): 5}, "g")
        await transaction.send_offsets({at: 6}, "g")
        with pytest.raises(ValueError, match="group g"):
            await transaction.send_offsets({at: 6}, "another")
        assert setting.kafka.committed == []
    assert setting.kafka.committed == [("g", {at: 5}), ("g", {at: 6})]
    with pytest.raises(TransactionError, match="inside"):
        await setting.producer.send_offsets_to_transaction({("in", 0): 5}, "g")


async def test_offsets_that_are_refused_abort_all(setting: Setting) -> None:
    setting.kafka.transaction_raises["add_offsets"] = [TransactionAborted("not allowed")]

    async def block() -> None:
        async with setting.producer.transaction() as transaction:
            await setting.producer.produce_sync(topic="t", payload=1)
            await transaction.send_offsets({TopicPartition("in", 0): 5}, "g")

    with pytest.raises(TransactionAborted, match="not allowed"):
        await block()
    assert setting.stored == []


async def test_without_the_prefix_the_error_names_the_setting() -> None:
    setting = Setting(producer_transactional_id_prefix=None)
    with pytest.raises(SettingsInvalid, match="PRODUCER_TRANSACTIONAL_ID_PREFIX"):
        async with setting.producer.transaction():
            pass
    with pytest.raises(SettingsInvalid, match="PRODUCER_TRANSACTIONAL_ID_PREFIX"):
        setting.producer.hold_transactions("g.t.0")
    await setting.close()


async def test_a_commit_without_an_answer_is_unknown_and_bounded() -> None:
    setting = Setting()
    setting.producer = Producer(
        make_settings("kafka:9092", producer_transactional_id_prefix="app").model_copy(
            update={"producer_delivery_timeout_s": 0.3}
        ),
        setting.kafka,
        setting.kafka.open_client,
        setting.heard.monitor,
    )
    setting.kafka.commits_answered = False
    async with asyncio.timeout(5):
        with pytest.raises(TransactionUnknown):
            async with setting.producer.transaction():
                await setting.producer.produce_sync(topic="t", payload=1)
    assert [event.outcome for event in setting.heard.of(TransactionAbortedEvent)] == ["unknown"]
    await setting.close()


async def test_a_fenced_producer_opens_no_client_by_itself(setting: Setting) -> None:
    setting.kafka.transaction_raises["commit"] = [TransactionFenced("another one") for _ in range(3)]
    for opened in range(1, 4):
        with pytest.raises(TransactionFenced):
            async with setting.producer.transaction():
                await setting.producer.produce_sync(topic="t", payload=1)
        await asyncio.sleep(0.01)
        assert len(setting.opened_ids) == opened
    async with setting.producer.transaction():
        await setting.producer.produce_sync(topic="t", payload=2)
    assert setting.stored == [b"2"]


async def test_where_no_client_can_be_opened_the_block_is_not_entered(setting: Setting) -> None:
    setting.kafka.opening_raises = [KafkaUnavailable("gone")]
    with pytest.raises(KafkaUnavailable):
        async with setting.producer.transaction():
            raise AssertionError("entered")
    async with setting.producer.transaction():
        await setting.producer.produce_sync(topic="t", payload=1)
    assert setting.stored == [b"1"]


async def test_a_call_refused_because_kafka_is_away_aborts_all(setting: Setting) -> None:

    async def block() -> None:
        async with setting.producer.transaction():
            setting.kafka.unreachable_for_s = 3.0
            with pytest.raises(BrokerUnavailable):
                await setting.producer.produce_sync(topic="t", payload=1)
            setting.kafka.unreachable_for_s = 0.0

    with pytest.raises(TransactionAborted):
        await block()
    assert setting.stored == []


async def test_a_message_that_found_no_room_in_the_queue_aborts_all() -> None:
    setting = Setting(producer_queue_messages=1, producer_queue_full_wait_s=0.01)
    producer = setting.producer

    async def block() -> None:
        async with producer.transaction():
            setting.kafka.reachable = False
            await asyncio.create_task(producer.produce_async(topic="t", payload="outside"))
            with pytest.raises(QueueFull):
                await producer.produce_async(topic="t", payload="inside")
            setting.kafka.reachable = True

    with pytest.raises(TransactionAborted):
        await block()
    await until(lambda: setting.stored == [b"outside"], "the one outside")
    await setting.close()


async def test_a_cancelled_block_is_aborted(setting: Setting) -> None:
    entered = asyncio.Event()

    async def block() -> None:
        async with setting.producer.transaction():
            await setting.producer.produce_sync(topic="t", payload=1)
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(block())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: setting.heard.of(TransactionAbortedEvent), "the abort")
    assert setting.stored == []


async def test_closing_lets_an_open_transaction_end(setting: Setting) -> None:
    async with setting.producer.transaction():
        closing = asyncio.create_task(setting.producer.close(5))
        await asyncio.sleep(0.01)
        await setting.producer.produce_sync(topic="t", payload=1)
    report = await closing
    assert (setting.stored, report.undelivered) == ([b"1"], {})
    with pytest.raises(ProducerClosed):
        async with setting.producer.transaction():
            pass


async def test_closing_inside_a_transaction_does_not_deadlock_and_aborts_it(setting: Setting) -> None:
    async with asyncio.timeout(5):

        async def block() -> None:
            async with setting.producer.transaction():
                await setting.producer.produce_sync(topic="t", payload=1)
                await setting.producer.close(2)

        with pytest.raises(TransactionError):
            await block()
    assert setting.stored == []


async def test_a_send_that_waits_in_a_transaction_does_not_hold_up_the_close(setting: Setting) -> None:
    setting.kafka.answers = False

    async def block() -> None:
        async with setting.producer.transaction():
            await setting.producer.produce_sync(topic="t", payload=1)

    task = asyncio.create_task(block())
    await until(lambda: setting.kafka.unanswered, "it was sent")
    async with asyncio.timeout(5):
        report = await setting.producer.close(1.2)
    assert report.undelivered == {"t": 1}
    with pytest.raises((RolledBack, TransactionError)):
        await asyncio.wait_for(task, 5)


async def test_one_id_is_held_over_many_transactions(setting: Setting) -> None:
    held = setting.producer.hold_transactions("g.in.0")
    await held.initialise()
    at = TopicPartition("in", 0)
    for offset in range(3):
        report = await held.send(OutgoingMessage(topic="t", payload=offset), {at: offset + 1}, "g")
        assert report.offset == offset
    assert setting.opened_ids == ["app.g.in.0"]
    assert setting.kafka.committed == [("g", {at: offset + 1}) for offset in range(3)]
    setting.kafka.refuses = lambda record: InvalidRecord()
    with pytest.raises(TransactionAborted):
        await held.send(OutgoingMessage(topic="t", payload=9), {at: 4}, "g")
    assert (len(setting.stored), len(setting.kafka.committed)) == (3, 3)
    setting.kafka.refuses = lambda record: None
    await held.send(OutgoingMessage(topic="t", payload=9), {at: 4}, "g")
    assert setting.opened_ids == ["app.g.in.0"] * 2
    await held.close()
