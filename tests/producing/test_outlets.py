"""Variants: other delivery settings over the same producer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.kafka.protocols import ClientOptions
from app.messages import OutgoingMessage
from app.producer import Producer
from tests.conftest import make_settings
from tests.fakes import FakeKafka, Heard
from tests.waiting import until


class Setting:
    """A producer and the broker it speaks to."""

    def __init__(self) -> None:
        self.kafka = FakeKafka({"t": 1})
        settings = make_settings("kafka:9092", producer_transactional_id_prefix="app")
        self.producer = Producer(settings, self.kafka, self.kafka.open_client, Heard().monitor)

    @property
    def stored(self) -> list[bytes | None]:
        return [record.value for record in self.kafka.records("t")]


@pytest.fixture
async def setting() -> AsyncIterator[Setting]:
    made = Setting()
    yield made
    made.kafka.answer_now()
    await made.producer.close(0.2)


async def test_a_variant_has_a_client_of_its_own_opened_at_its_first_message(setting: Setting) -> None:
    fast = setting.producer.variant(acks="1")
    assert setting.kafka.opened == []
    await fast.produce_sync(topic="t", payload=1)
    await setting.producer.produce_sync(topic="t", payload=2)
    await setting.producer.variant(acks="1").produce_sync(topic="t", payload=3)
    assert setting.kafka.opened == [ClientOptions(acks="1"), ClientOptions()]
    assert setting.stored == [b"1", b"2", b"3"]


async def test_a_variant_of_a_variant_keeps_what_it_does_not_change_and_leaves_the_outer_one_as_it_is(
    setting: Setting,
) -> None:
    outer = setting.producer.variant(acks="1")
    inner = outer.variant(compression="zstd")
    for producer in (inner, outer, setting.producer):
        await producer.produce_sync(topic="t", payload=1)
    assert setting.kafka.opened == [
        ClientOptions(acks="1", compression="zstd"),
        ClientOptions(acks="1"),
        ClientOptions(),
    ]


async def test_a_variants_deadline_is_its_own(setting: Setting) -> None:
    setting.kafka.reachable = False
    patient = await setting.producer.produce_async(topic="t", payload=1)
    hasty = await setting.producer.variant(delivery_timeout_s=0.1).produce_async(topic="t", payload=2)
    assert (await hasty.wait(5)).status == "failed"
    assert patient.status is None
    setting.kafka.reachable = True
    assert (await patient.wait(5)).status == "delivered"
    for wrong in (0.0, -1.0, 5000.0):
        with pytest.raises(ValueError, match="delivery_timeout_s"):
            setting.producer.variant(delivery_timeout_s=wrong)


async def test_everything_else_is_shared(setting: Setting) -> None:
    variant = setting.producer.variant(compression="gzip")

    def mark(message: OutgoingMessage) -> OutgoingMessage:
        return OutgoingMessage(topic=message.topic, payload=message.payload, key="marked")

    setting.producer.middleware.append(mark)
    await variant.produce_sync(topic="t", payload=1)
    assert [record.key for record in setting.kafka.records("t")] == [b"marked"]
    assert variant.id == setting.producer.id
    setting.kafka.answers = False
    handle = await variant.produce_async(topic="t", payload=2)
    await until(lambda: setting.kafka.unanswered, "it was sent")
    assert setting.producer.in_flight == setting.producer.queue_size == variant.in_flight == 1
    setting.kafka.answer_now()
    assert (await handle.wait(5)).offset == 1


async def test_in_a_transaction_a_variants_sends_join_it(setting: Setting) -> None:
    variant = setting.producer.variant(acks="0")
    async with setting.producer.transaction():
        await variant.produce_sync(topic="t", payload=1)
        assert setting.stored == []
    assert setting.stored == [b"1"]


async def test_all_are_closed_together_whichever_is_closed(setting: Setting) -> None:
    variant = setting.producer.variant(acks="1")
    handles = [await producer.produce_async(topic="t", payload=1) for producer in (variant, setting.producer)]
    first, second = await asyncio.gather(variant.close(5), setting.producer.close(5))
    assert first is second
    assert [handle.status for handle in handles] == ["delivered"] * 2
    assert variant.status == setting.producer.status == "closed"
