"""From accepted messages to lanes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.errors import BrokerUnavailable, ProducerClosed, UnknownPartition, UnknownTopic
from app.events import MessagesSettled
from app.messages import OutgoingMessage, TopicPartition
from app.producing.clients import ClientSlot
from app.producing.contract import encode
from app.producing.dispatcher import Dispatcher
from app.producing.handle import DeliveryHandle
from app.producing.partitioners import PARTITIONERS, murmur2_partition
from tests.fakes import FakeKafka, Heard
from tests.waiting import until


class Setting:
    """A dispatcher before a broker with the topics t (4 partitions) and one (1)."""

    def __init__(self) -> None:
        self.heard = Heard(MessagesSettled)
        self.kafka = FakeKafka({"t": 4, "one": 1})
        slot = ClientSlot(self.kafka.open_client, self.heard.monitor, "p")
        self.dispatcher = Dispatcher(slot, self.kafka, self.heard.monitor, PARTITIONERS["murmur2"], 0)
        self._sent = 0

    def send(self, topic: str = "t", deadline_s: float = 10, **fields: Any) -> DeliveryHandle:
        self._sent += 1
        message = OutgoingMessage(topic=topic, **fields)
        handle = DeliveryHandle(topic, encode(message, 10**6), message.partition, None, deadline_s, ("p", self._sent))
        handle.watch(self.dispatcher.settled, None, self.dispatcher.withdrawn)
        self.dispatcher.dispatch(handle)
        return handle


@pytest.fixture
async def setting() -> AsyncIterator[Setting]:
    made = Setting()
    yield made
    made.kafka.answer_now()
    await made.dispatcher.close()


async def test_an_explicit_partition_is_taken_as_given(setting: Setting) -> None:
    report = await setting.send(payload=1, key="k", partition=2).wait(5)
    assert (report.partition, report.offset, report.status) == (2, 0, "delivered")


async def test_a_key_chooses_the_partition_and_a_partition_key_comes_before_it(setting: Setting) -> None:
    by_key = await setting.send(payload=1, key="abc").wait(5)
    by_other = await setting.send(payload=1, key="abc", partition_key="xyz").wait(5)
    assert by_key.partition == murmur2_partition(b"abc", 4)
    assert by_other.partition == murmur2_partition(b"xyz", 4)
    assert by_other.key == b"abc"


async def test_messages_without_a_key_reach_every_partition(setting: Setting) -> None:
    reports = [await handle.wait(5) for handle in [setting.send(payload=number) for number in range(64)]]
    counts = [sum(report.partition == number for report in reports) for number in range(4)]
    assert counts == [16, 16, 16, 16]


async def test_a_partition_that_does_not_exist_fails_at_once(setting: Setting) -> None:
    report = await setting.send(payload=1, partition=4).wait(5)
    assert isinstance(report.error, UnknownPartition)
    assert "0 to 3, not 4" in str(report.error)


async def test_a_topic_that_does_not_exist_fails_with_the_remedy(setting: Setting) -> None:
    handles = [setting.send(topic="nowhere", payload=number) for number in range(3)]
    reports = [await handle.wait(5) for handle in handles]
    assert all(isinstance(report.error, UnknownTopic) for report in reports)
    assert "kafka-topics --create --topic nowhere" in str(reports[0].error)
    assert not setting.dispatcher.pending


async def test_messages_wait_for_metadata_in_their_order(setting: Setting) -> None:
    setting.kafka.reachable = False
    handles = [setting.send(topic="one", payload=number) for number in range(1200)]
    await asyncio.sleep(0.05)
    assert all(handle.status is None for handle in handles)
    setting.kafka.reachable = True
    reports = [await handle.wait(5) for handle in handles]
    assert [report.offset for report in reports] == list(range(1200))


async def test_what_still_waits_for_metadata_at_its_deadline_is_certainly_not_stored(setting: Setting) -> None:
    setting.kafka.reachable = False
    handle = setting.send(payload=1, deadline_s=0.05)
    report = await handle.wait(5)
    assert isinstance(report.error, BrokerUnavailable)
    assert report.status == "failed"
    setting.kafka.reachable = True
    assert (await setting.send(payload=2).wait(5)).status == "delivered"
    assert [record.value for record in setting.kafka.records("t")] == [b"2"]


async def test_one_that_is_taken_back_while_it_waits_is_not_sent(setting: Setting) -> None:
    setting.kafka.reachable = False
    gone, kept = setting.send(topic="one", payload=1), setting.send(topic="one", payload=2)
    assert gone.withdraw()
    setting.kafka.reachable = True
    assert (await kept.wait(5)).offset == 0
    assert [record.value for record in setting.kafka.records("one")] == [b"2"]
    statuses = [event.status for event in setting.heard.of(MessagesSettled)]
    assert sorted(statuses) == ["delivered", "failed"]


async def test_flushing_waits_for_all_and_has_an_end(setting: Setting) -> None:
    setting.kafka.answers = False
    handle = setting.send(payload=1, partition=0)
    await until(lambda: setting.kafka.unanswered, "it was sent")
    await setting.dispatcher.flush(0.05)
    assert handle.status is None
    setting.kafka.answer_now()
    await setting.dispatcher.flush(5)
    assert handle.status == "delivered"


async def test_at_the_end_what_was_not_handed_over_fails_and_the_rest_is_unknown(setting: Setting) -> None:
    setting.kafka.answers = False
    sent = setting.send(payload=1, partition=0)
    await until(lambda: setting.kafka.unanswered, "it was sent")
    waiting = [setting.send(payload=2, partition=0), setting.send(topic="nowhere", payload=3)]
    setting.dispatcher.withdraw_all()
    assert [type(handle.error) for handle in waiting] == [ProducerClosed, ProducerClosed]
    await setting.dispatcher.close()
    assert sent.status == "unknown"
    assert not setting.dispatcher.pending


async def test_lanes_without_work_are_forgotten(setting: Setting) -> None:
    await setting.send(payload=1, partition=1).wait(5)
    assert TopicPartition("t", 1) in setting.dispatcher._lanes
    await until(lambda: not setting.dispatcher._lanes, "the idle lane has gone")
