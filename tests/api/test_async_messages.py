"""Dead letters of async messages (HTTP_ASYNC_DLQ_TOPIC)."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka.errors import InvalidTimestampError, ProducerClosed

from app.errors import DeliveryUnknown, ProduceError, RefusedByBroker, UnknownTopic
from app.events import ErrorOccurred
from app.messages import OutgoingMessage
from app.producer import DeliveryHandle
from app.producing.contract import Encoded
from tests.api.conftest import MakeService
from tests.api.service import Service, until
from tests.fakes import StoredRecord

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def with_dlq(make_service: MakeService) -> Service:
    return make_service(http_async_dlq_topic="failed", topics={"example": 2, "failed": 3})


def facts(record: StoredRecord) -> dict[str, str]:
    return {name: (value or b"").decode() for name, value in record.headers}


async def only_letter(service: Service) -> StoredRecord:
    await until(lambda: service.producer.in_flight == 0 and bool(service.kafka.records("failed")))
    (record,) = service.kafka.records("failed")
    return record


async def test_a_failed_async_message_becomes_a_dead_letter(make_service: MakeService) -> None:
    service = with_dlq(make_service)
    accepted = await service.produce(
        "?mode=async",
        payload={"n": 1},
        key="k",
        partition=7,
        timestamp=1_700_000_000_000,
        headers={"a": "1", "traceparent": TRACEPARENT, "source_topic": "of an earlier hop"},
    )
    assert accepted.status_code == 202
    letter = await only_letter(service)
    assert (letter.value, letter.key, letter.timestamp) == (b'{"n":1}', b"k", 1_700_000_000_000)
    assert [name for name, _ in letter.headers].count("source_topic") == 1
    found = facts(letter)
    assert found.pop("failed_at").endswith("Z")
    assert found.pop("error_message").startswith("Topic example has partitions 0 to 1")
    assert found == {
        "a": "1",
        "traceparent": TRACEPARENT,
        "source_topic": "example",
        "source_partition": "7",
        "source_offset": "-1",
        "source_timestamp": "1700000000000",
        "source_consumer_group": "",
        "source_attempts": "0",
        "source_trace_id": "0af7651916cd43dd8448eb211c80319c",
        "error_class": "unknown_partition",
    }


async def test_an_unknown_one_becomes_a_dead_letter_too(make_service: MakeService) -> None:
    service = with_dlq(make_service)
    service.kafka.answers = False
    receipt_id = (await service.produce("?mode=async", payload=1)).json()["receipt_id"]
    await until(lambda: bool(service.kafka.unanswered))
    service.kafka.answers = True
    for answered, _, _ in service.kafka.unanswered:
        answered(None, ProducerClosed())
    assert facts(await only_letter(service))["error_class"] == "delivery_unknown"
    assert service.receipts.find(receipt_id).status == "unknown"


async def test_batches_and_raw_calls_have_dead_letters_as_well(make_service: MakeService) -> None:
    service = with_dlq(make_service)
    await service.batch({"topic": "example", "payload": 1, "partition": 7}, query="?mode=async")
    await service.http.post("/produce/example?mode=async&partition=8", content=b"x")
    await until(lambda: len(service.kafka.records("failed")) == 2)


async def test_delivered_and_sync_messages_have_none(make_service: MakeService) -> None:
    service = with_dlq(make_service)
    await service.produce("?mode=async", payload=1)
    await service.produce(payload=1, partition=7)
    await until(lambda: service.producer.in_flight == 0)
    assert service.kafka.records("failed") == []


async def test_clients_may_not_write_dead_letters(make_service: MakeService) -> None:
    service = with_dlq(make_service)
    assert (await service.produce(topic="failed", payload=1)).json()["code"] == "topic_forbidden"


async def test_a_letter_that_kafka_refuses_for_its_timestamp_is_written_without_it(make_service: MakeService) -> None:
    service = with_dlq(make_service)
    old = 1
    service.kafka.refuses = lambda record: InvalidTimestampError() if record.timestamp == old else None
    await service.produce("?mode=async", payload=1, timestamp=old)
    letter = await only_letter(service)
    assert letter.timestamp != old
    assert facts(letter)["source_timestamp"] == "1"
    assert facts(letter)["error_class"] == "refused_by_broker"


async def test_a_letter_that_cannot_be_written_is_told(make_service: MakeService) -> None:
    service = make_service(http_async_dlq_topic="missing")
    errors: list[Any] = []
    service.monitor.subscribe(ErrorOccurred, errors.append)
    await service.produce("?mode=async", payload=1, partition=7)
    await until(lambda: bool(errors))
    assert [(event.kind, event.topic) for event in errors] == [("http.async_dlq", "missing")]
    assert isinstance(errors[0].error, UnknownTopic)


@pytest.mark.parametrize(
    ("error", "written"), [(DeliveryUnknown("x"), 1), (RefusedByBroker("x"), 1), (UnknownTopic("x"), 0)]
)
async def test_a_letter_is_tried_again_where_that_may_go_well(
    make_service: MakeService, monkeypatch: pytest.MonkeyPatch, error: ProduceError, written: int
) -> None:
    service = with_dlq(make_service)
    accept = service.producer.accept
    tried: list[DeliveryHandle] = []

    def accept_badly(message: OutgoingMessage, **options: Any) -> DeliveryHandle:
        if message.topic != "failed" or tried:
            return accept(message, **options)
        handle = DeliveryHandle("failed", Encoded(b"1", None, None, [], None, 32), 0, None, 30, ("x", 1))
        tried.append(handle)
        handle.watch(options["on_settled"], None, lambda _: None)
        handle.settle(error)
        return handle

    monkeypatch.setattr(service.producer, "accept", accept_badly)
    await service.produce("?mode=async", payload=1, partition=7)
    await until(lambda: bool(tried) and service.producer.in_flight == 0)
    assert len(service.kafka.records("failed")) == written


async def test_nothing_is_written_once_the_producer_closes(make_service: MakeService) -> None:
    service = with_dlq(make_service)
    service.kafka.reachable = False
    await service.produce("?mode=async", payload=1)
    errors: list[Any] = []
    service.monitor.subscribe(ErrorOccurred, errors.append)
    await service.producer.close(0.1)
    assert service.receipts.counts()["failed"] == 1
    assert errors == []
