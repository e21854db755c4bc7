"""POST /produce/batch: each message has its own result, and the status says what all of it adds up to."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.api.atomic import record_batch_size, varint_size
from app.api.batch import counted
from app.api.batch_items import Item, outcome
from app.api.message_reader import ReadMessage
from app.api.problems import Refusal
from app.kafka.connection import InvalidRecord
from app.messages import OutgoingMessage
from app.producing.contract import encode
from app.producing.handle import DeliveryHandle
from tests.api.conftest import MakeService
from tests.api.service import Service, until

GOOD = {"topic": "example", "payload": {"a": 1}, "key": "k", "label": "good"}
INVALID = {"topic": "example", "payload": 1, "partition": "x", "label": "bad"}
MISSING = {"topic": "missing", "payload": 1}


async def test_all_delivered_is_200_with_results_in_order(either: Service) -> None:
    response = await either.batch(*({**GOOD, "partition": n % 2, "label": str(n)} for n in range(6)))
    assert response.status_code == 200
    answer = response.json()
    assert (answer["delivered"], answer["failed"], answer["unknown"]) == (6, 0, 0)
    assert [(result["label"], result["partition"], result["offset"]) for result in answer["results"]] == [
        (str(n), n % 2, n // 2) for n in range(6)
    ]
    assert set(answer["results"][0]) == {"status", "topic", "partition", "offset", "timestamp", "label"}


async def test_a_bad_message_fails_no_other(either: Service) -> None:
    response = await either.batch(GOOD, INVALID, MISSING, 7, {**GOOD, "topic": "__offsets"}, GOOD)
    assert response.status_code == 207
    assert response.headers["content-type"] == "application/json"
    answer = response.json()
    assert (answer["delivered"], answer["failed"], answer["unknown"]) == (2, 4, 0)
    assert [result["status"] for result in answer["results"]] == ["delivered", *["failed"] * 4, "delivered"]
    assert [result.get("code") for result in answer["results"]] == [
        None,
        "invalid_message",
        "unknown_topic",
        "invalid_message",
        "internal_topic",
        None,
    ]
    assert [fault["path"] for fault in answer["results"][1]["errors"]] == ["messages.1.partition"]
    assert answer["results"][1]["label"] == "bad"
    assert [fault["path"] for fault in answer["results"][3]["errors"]] == ["messages.3"]


async def test_none_delivered_through_the_senders_fault_is_422_with_problem_members(either: Service) -> None:
    response = await either.batch(MISSING, INVALID)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    answer = response.json()
    assert answer["status"] == 422
    assert answer["code"] == "unknown_topic"
    assert answer["retriable"] is False
    assert answer["request_id"] == response.headers["x-request-id"]
    assert (answer["delivered"], answer["failed"], answer["unknown"]) == (0, 2, 0)
    assert [fault["path"] for fault in answer["errors"]] == ["messages.0.topic", "messages.1.partition"]
    assert answer["detail"].startswith("None of the 2 messages is stored; messages.0: Topic missing does not exist")


async def test_none_delivered_with_one_unknown_is_504(either: Service) -> None:
    either.kafka.answers = False
    response = await either.batch(INVALID, GOOD, query="?timeout=0.1")
    assert response.status_code == 504
    answer = response.json()
    assert answer["code"] == "delivery_unknown"
    assert answer["duplicate_possible"] is True
    assert answer["detail"].startswith("None of the 2 messages is known to be stored; messages.1: No verdict")
    assert [result["status"] for result in answer["results"]] == ["failed", "unknown"]
    assert (answer["failed"], answer["unknown"]) == (1, 1)


async def test_none_delivered_with_kafka_away_is_503(either: Service) -> None:
    either.kafka.reachable = False
    either.kafka.unreachable_for_s = 3
    response = await either.batch(INVALID, GOOD)
    assert response.status_code == 503
    assert response.json()["code"] == "broker_unavailable"
    assert response.json()["retriable"] is True
    assert response.headers["retry-after"]


async def test_unknown_beside_delivered_is_207(service: Service) -> None:
    service.kafka.answers = False
    blocked = [{**GOOD, "partition": 0}]
    response = await service.batch(*blocked, query="?timeout=0.5")
    assert response.status_code == 504
    service.kafka.answers = True
    response = await service.batch({**GOOD, "partition": 1}, {**GOOD, "partition": 0}, query="?timeout=0.1")
    assert response.status_code == 207
    assert [result.get("code") for result in response.json()["results"]] == [None, "broker_unavailable"]


@pytest.mark.parametrize(
    ("message", "path"),
    [
        (INVALID, "messages.1.partition"),
        (MISSING, "messages.1.topic"),
        ({**GOOD, "partition": 2}, "messages.1.partition"),
        ({**GOOD, "topic": "__offsets"}, "messages.1.topic"),
        ({**GOOD, "payload": "x" * 2000}, "messages.1.payload"),
        ({**GOOD, "payload": "x" * 900}, "messages.1"),
    ],
)
@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_atomic_sends_nothing_when_one_message_has_a_fault(
    make_service: MakeService, message: dict[str, Any], path: str, mode: str
) -> None:
    service = make_service(producer_max_payload_bytes=1000)
    service.kafka.max_record_bytes = 800
    response = await service.batch(GOOD, message, GOOD, query=f"?atomic=true&mode={mode}")
    assert response.status_code == 422, response.text
    answer = response.json()
    assert answer["code"] == "invalid_message"
    assert [fault["path"] for fault in answer["errors"]] == [path]
    results = answer["results" if mode == "sync" else "receipts"]
    assert [result["status"] for result in results] == ["not_sent", "failed", "not_sent"]
    assert answer["detail"] == "Nothing was sent: the batch is atomic, and 1 of its 3 messages cannot be sent"
    assert results[0]["code"] == "atomic"
    assert results[0]["detail"] == "Not sent: another message of the batch has a fault"
    assert not service.kafka.stored
    if mode == "sync":
        assert (answer["delivered"], answer["failed"], answer["unknown"]) == (0, 3, 0)


async def test_atomic_sends_all_when_none_has_a_fault(either: Service) -> None:
    assert (await either.batch(GOOD, GOOD, query="?atomic=true")).status_code == 200
    assert len(either.kafka.records("example")) == 2


async def test_async_gives_a_receipt_for_each_message_that_is_queued(either: Service) -> None:
    response = await either.batch(GOOD, INVALID, MISSING, query="?mode=async")
    assert response.status_code == 202
    receipts = response.json()["receipts"]
    assert [receipt["status"] for receipt in receipts] == ["pending", "failed", "failed"]
    assert [receipt.get("code") for receipt in receipts] == [None, "invalid_message", "unknown_topic"]
    await until(lambda: either.producer.in_flight == 0)
    settled = await either.http.get(f"/receipts/{receipts[0]['receipt_id']}")
    assert settled.json()["status"] == "delivered"


async def test_async_with_nothing_to_queue_is_422_and_still_has_receipts(either: Service) -> None:
    response = await either.batch(INVALID, query="?mode=async")
    assert response.status_code == 422
    assert response.json()["receipts"][0]["code"] == "invalid_message"


async def test_async_queues_as_many_as_there_is_room_for(make_service: MakeService) -> None:
    service = make_service(producer_queue_messages=2, producer_queue_full_wait_s=0)
    service.kafka.reachable = False
    response = await service.batch(GOOD, GOOD, GOOD, query="?mode=async")
    assert response.status_code == 202
    assert [receipt.get("code") for receipt in response.json()["receipts"]] == [None, None, "queue_full"]


async def test_too_many_messages_are_413(make_service: MakeService) -> None:
    service = make_service(http_max_batch=2)
    response = await service.batch(GOOD, GOOD, GOOD)
    assert response.status_code == 413
    assert response.json()["code"] == "batch_too_large"


async def test_one_partitions_messages_keep_their_order(service: Service) -> None:
    await service.batch(*({"topic": "other", "payload": n, "key": str(n)} for n in range(1500)))
    assert [record.value for record in service.kafka.records("other")] == [str(n).encode() for n in range(1500)]


def test_the_size_of_a_record_batch_is_that_of_the_client() -> None:
    from aiokafka.record.default_records import DefaultRecordBatchBuilder

    for payload, key, headers in ((b"x" * 5000, b"k" * 70, [("name", b"v" * 200), ("n", None)]), (None, None, [])):
        encoded = encode(OutgoingMessage(topic="t", payload=payload, key=key, headers=headers), 10_000)
        builder = DefaultRecordBatchBuilder(
            magic=2,
            compression_type=0,
            is_transactional=0,
            producer_id=-1,
            producer_epoch=-1,
            base_sequence=-1,
            batch_size=100_000,
        )
        builder.append(0, 1, encoded.key, encoded.value, list(encoded.headers))
        assert record_batch_size(encoded) == len(builder.build())


@pytest.mark.parametrize(("number", "size"), [(0, 1), (63, 1), (64, 2), (8191, 2), (8192, 3)])
def test_zigzag_varints_grow_with_their_number(number: int, size: int) -> None:
    assert varint_size(number) == size


SENDERS = (
    *("invalid_message", "unknown_topic", "topic_forbidden", "internal_topic", "unknown_partition"),
    *("schema_violation", "payload_too_large", "record_too_large", "refused_by_broker"),
)
CAPACITY = ("broker_unavailable", "queue_full", "overloaded", "draining")
UNKNOWN = "delivery_unknown"
fates = st.lists(st.sampled_from(["delivered", *SENDERS, *CAPACITY, UNKNOWN]), min_size=1, max_size=6)


def item(index: int, fate: str) -> Item:
    message = OutgoingMessage(topic="example", payload=b"1", label=str(index))
    made = Item(index, ReadMessage(message, (), None))
    made.handle = DeliveryHandle("example", encode(message, 10), 0, None, 1, ("p", 1))
    made.handle.settle(None, index)
    if fate != "delivered":
        made.refuse(Refusal(fate, f"why {fate}"))
    return made


@settings(max_examples=300)
@given(fates)
def test_the_status_is_that_of_the_gravest_kind_of_failure_and_the_counts_add_up(fates: list[str]) -> None:
    items = [item(index, fate) for index, fate in enumerate(fates)]
    decided = outcome(items, 200)
    members = counted([each.result() for each in items])
    if "delivered" in fates:
        wanted = 200 if set(fates) == {"delivered"} else 207
        assert decided == (wanted, None)
    elif UNKNOWN in fates:
        assert (decided.status, decided.chosen) == (504, items[fates.index(UNKNOWN)].refusal)
    elif capacity := [index for index, fate in enumerate(fates) if fate in CAPACITY]:
        assert (decided.status, decided.chosen) == (503, items[capacity[0]].refusal)
    else:
        assert (decided.status, decided.chosen) == (422, items[0].refusal)
    delivered, unknown = fates.count("delivered"), fates.count(UNKNOWN)
    failed = len(fates) - delivered - unknown
    assert (members["delivered"], members["failed"], members["unknown"]) == (delivered, failed, unknown)


KINDS: dict[str, tuple[dict[str, Any], str]] = {
    "good": (GOOD, "delivered"),
    "invalid": (INVALID, "invalid_message"),
    "missing": (MISSING, "unknown_topic"),
    "internal": ({**GOOD, "topic": "__x"}, "internal_topic"),
    "nowhere": ({**GOOD, "partition": 7}, "unknown_partition"),
    "large": ({**GOOD, "payload": "x" * 200}, "payload_too_large"),
    "refused": ({**GOOD, "payload": "refuse"}, "refused_by_broker"),
}


async def test_whatever_is_mixed_each_message_has_the_fate_that_it_has_alone(make_service: MakeService) -> None:
    service = make_service(producer_max_payload_bytes=100)
    service.kafka.refuses = lambda record: InvalidRecord() if record.value == b'"refuse"' else None
    mixtures: list[list[str]] = []

    @settings(max_examples=60)
    @given(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=6))
    def collect(kinds: list[str]) -> None:
        mixtures.append(kinds)

    collect()
    for kinds in mixtures:
        before = len(service.kafka.records("example"))
        response = await service.batch(*(KINDS[kind][0] for kind in kinds))
        results = response.json()["results"]
        assert [result.get("code", result["status"]) for result in results] == [KINDS[kind][1] for kind in kinds]
        good = kinds.count("good")
        assert response.status_code == (200 if good == len(kinds) else 207 if good else 422)
        assert len(service.kafka.records("example")) - before == good
