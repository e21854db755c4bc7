"""POST /produce: what is stored, what is answered, and what is refused."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from typing import Any

import pytest

from tests.api.conftest import MakeService
from tests.api.service import Service, until
from tests.fakes import StoredRecord


def only_record(service: Service, topic: str = "example") -> StoredRecord:
    records = service.kafka.records(topic)
    assert len(records) == 1
    return records[0]


async def test_a_stored_message_is_answered_with_where_it_is(either: Service) -> None:
    response = await either.produce(payload={"a": 1}, key="k", label="mine", timestamp=1_700_000_000_000)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    answer = response.json()
    latency_ms = answer.pop("latency_ms")
    assert 0 <= latency_ms < 5000
    partition = answer.pop("partition")
    assert partition in (0, 1)
    assert answer == {
        "topic": "example",
        "offset": 0,
        "timestamp": 1_700_000_000_000,
        "key": "k",
        "label": "mine",
        "error": None,
    }


@pytest.mark.parametrize(
    "payload",
    [
        b"0",
        b"false",
        b'""',
        b"{}",
        b"[]",
        b"-0.0",
        b"1.000e+400",
        b"12345678901234567890.12345678901234567890",
        b'{"b":1, "a" : [ 1,2 ],\n"b":2}',
        b'"\\u00e9\\/\\ud83d\\ude00"',
        b'"\\ud800"',
        '{"é":"ü\u2028"}'.encode(),
        b"9" * 5000,
        b'{"topic":"x","payload":"y","topic":"z"}',
    ],
)
async def test_a_payload_is_stored_byte_for_byte_as_it_was_sent(service: Service, payload: bytes) -> None:
    response = await service.produce_raw(b'{"topic":"example","payload": \t' + payload + b' \n ,"key":"k"}')
    assert response.status_code == 200, response.text
    assert only_record(service).value == payload


@pytest.mark.parametrize("encoding", ["json", "text", "base64"])
async def test_a_null_payload_with_a_key_is_a_tombstone_whatever_its_encoding(service: Service, encoding: str) -> None:
    response = await service.produce(payload=None, key="", payload_encoding=encoding)
    assert response.status_code == 200
    assert only_record(service).value is None
    assert only_record(service).key == b""


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({"payload": "aé", "payload_encoding": "text"}, "aé".encode()),
        ({"payload": "+/8=", "payload_encoding": "base64"}, b"\xfb\xff"),
        ({"payload": "-_8", "payload_encoding": "base64"}, b"\xfb\xff"),
        ({"payload": "", "payload_encoding": "base64"}, b""),
        ({"payload": "", "payload_encoding": "text"}, b""),
        ({"payload": "a", "payload_encoding": "json"}, b'"a"'),
    ],
)
async def test_a_payload_is_read_in_its_encoding(service: Service, fields: dict[str, Any], value: bytes) -> None:
    assert (await service.produce(**fields)).status_code == 200
    assert only_record(service).value == value


@pytest.mark.parametrize(
    ("fields", "key", "shown"),
    [
        ({}, None, None),
        ({"key": None}, None, None),
        ({"key": ""}, b"", ""),
        ({"key": "é\n"}, "é\n".encode(), "é\n"),
        ({"key": 12}, b"12", "12"),
        ({"key": {"a": 1}}, b'{"a":1}', '{"a":1}'),
        ({"key": "k", "key_encoding": "json"}, b'"k"', '"k"'),
        ({"key": "k", "key_encoding": "text"}, b"k", "k"),
        ({"key": "/w==", "key_encoding": "base64"}, b"\xff", {"base64": "/w=="}),
        ({"key": None, "key_encoding": "base64"}, None, None),
    ],
)
async def test_a_key_is_read_in_its_encoding(
    service: Service, fields: dict[str, Any], key: bytes | None, shown: object
) -> None:
    body = json.dumps({"topic": "example", "payload": 1, **fields}, separators=(",", ":")).encode()
    response = await service.produce_raw(body)
    assert response.status_code == 200, response.text
    assert only_record(service).key == key
    assert response.json()["key"] == shown


@pytest.mark.parametrize(
    ("headers", "stored"),
    [
        (b'{"a":"1","b":null,"a":"2"}', [("a", b"1"), ("b", None), ("a", b"2")]),
        (b'[["a","1"],["a","\\u00e9"],["b",null]]', [("a", b"1"), ("a", "é".encode()), ("b", None)]),
        (b"{}", []),
        (b"null", []),
    ],
)
async def test_headers_keep_their_order_and_repeats(service: Service, headers: bytes, stored: list[Any]) -> None:
    response = await service.produce_raw(b'{"topic":"example","payload":1,"headers":' + headers + b"}")
    assert response.status_code == 200, response.text
    assert list(only_record(service).headers) == stored


async def test_header_values_may_be_base64(service: Service) -> None:
    await service.produce(payload=1, headers={"a": "/w"}, headers_encoding="base64")
    assert list(only_record(service).headers) == [("a", b"\xff")]


@pytest.mark.parametrize(
    ("timestamp", "milliseconds"),
    [
        (0, 0),
        (1_767_607_200_123, 1_767_607_200_123),
        ("2026-01-05T10:00:00.1239Z", 1_767_607_200_123),
        ("2026-01-05t11:30:00+01:30", 1_767_607_200_000),
        ("2026-01-05T04:00:00-06:00", 1_767_607_200_000),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000),
    ],
)
async def test_a_timestamp_is_milliseconds_or_rfc_3339(service: Service, timestamp: object, milliseconds: int) -> None:
    response = await service.produce(payload=1, timestamp=timestamp)
    assert response.status_code == 200, response.text
    assert response.json()["timestamp"] == milliseconds
    assert only_record(service).timestamp == milliseconds


async def test_a_partition_is_taken_as_given(service: Service) -> None:
    for partition in (1, 0, 1):
        assert (await service.produce(payload=1, partition=partition)).json()["partition"] == partition


async def test_a_partition_key_chooses_the_partition_and_is_not_stored(service: Service) -> None:
    chosen = {
        (await service.produce(payload=1, key=f"k{n}", partition_key="same")).json()["partition"] for n in range(9)
    }
    assert len(chosen) == 1


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        (b"{}", ["topic", "payload"]),
        (b'{"topic":"example"}', ["payload"]),
        (b'{"topic":7,"payload":1}', ["topic"]),
        (b'{"topic":"a b","payload":1}', ["topic"]),
        (b'{"topic":"..","payload":1}', ["topic"]),
        (b'{"topic":"' + b"a" * 250 + b'","payload":1}', ["topic"]),
        (b'{"topic":"example","payload":1,"more":1}', ["more"]),
        (b'{"topic":"example","payload":1,"topic":"other"}', ["topic"]),
        (b'{"topic":"example","payload":1,"\\u0074opic":"other"}', ["topic"]),
        (b'{"topic":"example","payload":1,"payload":{"a":":"}}', ["payload"]),
        (b'{"topic":"example","payload":null}', ["key"]),
        (b'{"topic":"example","payload":null,"key":null}', ["key"]),
        (b'{"topic":"example","payload":1,"payload_encoding":"text"}', ["payload"]),
        (b'{"topic":"example","payload":"a","payload_encoding":"utf8"}', ["payload_encoding"]),
        (b'{"topic":"example","payload":"a","payload_encoding":null}', ["payload_encoding"]),
        (b'{"topic":"example","payload":"a*","payload_encoding":"base64"}', ["payload"]),
        (b'{"topic":"example","payload":"aaaaa","payload_encoding":"base64"}', ["payload"]),
        (b'{"topic":"example","payload":"aa=","payload_encoding":"base64"}', ["payload"]),
        (b'{"topic":"example","payload":"+_==","payload_encoding":"base64"}', ["payload"]),
        (b'{"topic":"example","payload":"\\ud800","payload_encoding":"text"}', ["payload"]),
        (b'{"topic":"example","payload":1,"key":"\\udc00"}', ["key"]),
        (b'{"topic":"example","payload":1,"key":["\\udc00"]}', ["key"]),
        (b'{"topic":"example","payload":1,"key":1,"key_encoding":"text"}', ["key"]),
        (b'{"topic":"example","payload":1,"key_encoding":"raw"}', ["key_encoding"]),
        (b'{"topic":"example","payload":1,"partition":-1}', ["partition"]),
        (b'{"topic":"example","payload":1,"partition":2147483648}', ["partition"]),
        (b'{"topic":"example","payload":1,"partition":1.0}', ["partition"]),
        (b'{"topic":"example","payload":1,"partition":true}', ["partition"]),
        (b'{"topic":"example","payload":1,"partition":' + b"9" * 6000 + b"}", ["partition"]),
        (b'{"topic":"example","payload":1,"partition":0,"partition_key":"a"}', ["partition_key"]),
        (b'{"topic":"example","payload":1,"partition_key":1}', ["partition_key"]),
        (b'{"topic":"example","payload":1,"headers":"a"}', ["headers"]),
        (b'{"topic":"example","payload":1,"headers":{"":"a"}}', ["headers."]),
        (b'{"topic":"example","payload":1,"headers":{"a":1,"b":"2","c":[]}}', ["headers.a", "headers.c"]),
        (b'{"topic":"example","payload":1,"headers":[["a"],["b","c"],{"a":"b"}]}', ["headers.0", "headers.2"]),
        (b'{"topic":"example","payload":1,"headers":{"a":"\\ud800"}}', ["headers.a"]),
        (b'{"topic":"example","payload":1,"headers":{"a":"*"},"headers_encoding":"base64"}', ["headers.a"]),
        (b'{"topic":"example","payload":1,"headers_encoding":"json"}', ["headers_encoding"]),
        (b'{"topic":"example","payload":1,"timestamp":-1}', ["timestamp"]),
        (b'{"topic":"example","payload":1,"timestamp":"2026-01-05"}', ["timestamp"]),
        (b'{"topic":"example","payload":1,"timestamp":"2026-01-05T10:00:00"}', ["timestamp"]),
        (b'{"topic":"example","payload":1,"timestamp":"2026-13-05T10:00:00Z"}', ["timestamp"]),
        (b'{"topic":"example","payload":1,"timestamp":"1969-12-31T23:59:59Z"}', ["timestamp"]),
        (b'{"topic":"example","payload":1,"timestamp":"0001-01-01T00:00:00+23:59"}', ["timestamp"]),
        (b'{"topic":"example","payload":1,"label":5}', ["label"]),
        (b'{"topic":"example","payload":1,"label":"' + b"a" * 257 + b'"}', ["label"]),
        (b'{"topic":"example","payload":1,"label":"\\ud800"}', ["label"]),
        (b"[]", [""]),
        (b'"text"', [""]),
        (b"null", [""]),
        (b'{"topic":1,"payload":null,"partition":"a","x":0,"x":0}', ["x", "x", "topic", "key", "partition"]),
    ],
)
async def test_every_fault_of_a_message_is_named_at_once(service: Service, body: bytes, paths: list[str]) -> None:
    response = await service.produce_raw(body)
    assert response.status_code == 422, response.text
    problem = response.json()
    assert problem["code"] == "invalid_message"
    assert [fault["path"] for fault in problem["errors"]] == paths
    assert not service.kafka.stored


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b'{"topic":"example","payload":NaN}',
        b'{"topic":"example","payload":-Infinity}',
        b'{"topic":"example","payload":01}',
        b'{"topic":"example","payload":1.}',
        b'{"topic":"example","payload":"\n"}',
        b'{"topic":"example","payload":"\\x"}',
        b'{"topic":"example","payload":1,}',
        b'{"topic":"example","payload":1}{}',
        b"{'topic':1}",
        b'{"topic":"example","payload":"\xff"}',
        b'{"topic":"example","payload":"\xed\xa0\x80"}',
        b'{"topic":"example","payload":' + b"[" * 512 + b"]" * 512 + b"}",
        b'{"topic":"example","payload":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"\xef\xbb\xbf\xef\xbb\xbf{}",
    ],
)
async def test_what_is_not_json_is_malformed(either: Service, body: bytes) -> None:
    response = await either.produce_raw(body)
    assert response.status_code == 400, response.text
    assert response.json()["code"] == "malformed_json"


async def test_512_levels_and_brackets_in_strings_are_fine(service: Service) -> None:
    deep = b"[" * 511 + b'"' + b'[{\\\\\\"' * 1000 + b'"' + b"]" * 511
    assert (await service.produce_raw(b'{"topic":"example","payload":' + deep + b"}")).status_code == 200
    assert only_record(service).value == deep


async def test_a_byte_order_mark_is_tolerated(service: Service) -> None:
    assert (await service.produce_raw(b'\xef\xbb\xbf{"topic":"example","payload":1}')).status_code == 200


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ('Application/JSON; Charset="UTF-8"', 200),
        ("application/vnd.mine+json; version=2", 200),
        ("application/json; charset=latin-1", 415),
        ("application/x-ndjson", 415),
        ("application/x-www-form-urlencoded", 415),
        ("text/plain", 415),
        ("json", 415),
        ("application/+json", 415),
        ("application/a+json", 200),
    ],
)
async def test_only_json_in_utf_8_is_taken(either: Service, content_type: str, status: int) -> None:
    body = b'{"topic":"example","payload":1}'
    response = await either.http.post("/produce", content=body, headers={"content-type": content_type})
    assert response.status_code == status
    if status == 415:
        assert response.json()["code"] == "unsupported_media_type"


async def test_no_content_type_means_json(service: Service) -> None:
    assert (await service.http.post("/produce", content=b'{"topic":"example","payload":1}')).status_code == 200


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        ({"content-encoding": "identity"}, 200, None),
        ({"idempotency-key": "a b"}, 400, "invalid_idempotency_key"),
    ],
)
async def test_headers_that_are_not_valid_are_refused(
    either: Service, header: dict[str, str], status: int, code: str | None
) -> None:
    response = await either.http.post("/produce", json={"topic": "example", "payload": 1}, headers=header)
    assert response.status_code == status
    assert response.json().get("code") == code


@pytest.mark.parametrize(
    ("query", "paths"),
    [
        ("?mode=later", ["query.mode"]),
        ("?mode=", ["query.mode"]),
        ("?timeout=0.05", ["query.timeout"]),
        ("?timeout=31", ["query.timeout"]),
        ("?timeout=nan", ["query.timeout"]),
        ("?timeout=1e1", ["query.timeout"]),
        ("?mode=sync&mode=sync", ["query.mode"]),
        ("?atomic=true&timeout=x", ["query.atomic", "query.timeout"]),
        ("?%ff=1", ["query.\ufffd"]),
    ],
)
async def test_bad_query_parameters_are_named(either: Service, query: str, paths: list[str]) -> None:
    response = await either.produce(query, payload=1)
    assert response.status_code == 400
    assert response.json()["code"] == "invalid_parameter"
    assert [fault["path"] for fault in response.json()["errors"]] == paths


@pytest.mark.parametrize(
    ("topic", "status", "code"),
    [
        ("__consumer_offsets", 403, "internal_topic"),
        ("demijohn_reports", 403, "topic_forbidden"),
        ("example.dlq", 403, "topic_forbidden"),
        ("missing", 404, "unknown_topic"),
    ],
)
@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_topics_that_may_not_be_produced_to_are_refused(
    either: Service, topic: str, status: int, code: str, mode: str
) -> None:
    response = await either.produce(f"?mode={mode}", topic=topic, payload=1)
    assert response.status_code == status
    assert response.json()["code"] == code
    assert topic in response.json()["detail"]


async def test_a_partition_that_does_not_exist_is_unknown(service: Service) -> None:
    response = await service.produce(payload=1, partition=2)
    assert response.status_code == 422
    assert response.json()["code"] == "unknown_partition"


async def test_a_payload_above_our_limit_is_told_the_limit(make_service: MakeService) -> None:
    service = make_service(producer_max_payload_bytes=100)
    response = await service.produce(payload="x" * 99)
    assert response.status_code == 413
    assert response.json()["code"] == "payload_too_large"
    assert "PRODUCER_MAX_PAYLOAD_BYTES allows 100" in response.json()["detail"]


async def test_without_an_answer_in_time_it_is_not_known_whether_it_is_stored(either: Service) -> None:
    either.kafka.answers = False
    response = await either.produce("?timeout=0.5", payload=1)
    assert response.status_code == 504
    problem = response.json()
    assert problem["code"] == "delivery_unknown"
    assert problem["retriable"] is True
    assert problem["duplicate_possible"] is True


async def test_what_is_still_in_our_queue_at_the_end_is_certainly_not_stored(either: Service) -> None:
    either.kafka.answers = False
    await either.produce("?timeout=0.5", payload="in flight", partition=0)
    response = await either.produce("?timeout=0.1", payload="queued behind it", partition=0)
    assert response.status_code == 503
    assert response.json()["code"] == "broker_unavailable"
    assert response.headers["retry-after"]
    either.kafka.answer_now()
    await either.produce(payload="later", partition=0)
    assert [record.value for record in either.kafka.records("example")] == [b'"in flight"', b'"later"']


async def test_kafka_known_to_be_away_is_told_at_once(either: Service) -> None:
    either.kafka.reachable = False
    either.kafka.unreachable_for_s = 2.5
    started = time.monotonic()
    response = await either.produce(payload=1)
    assert response.status_code == 503
    assert response.json()["code"] == "broker_unavailable"
    assert time.monotonic() - started < 1


async def test_a_call_that_waits_is_released_when_kafka_is_known_to_be_away(either: Service) -> None:
    either.kafka.answers = False
    handed_over = asyncio.create_task(either.produce("?timeout=30", payload=1, partition=0))
    await until(lambda: bool(either.kafka.unanswered))
    waiting = [
        asyncio.create_task(call)
        for call in (
            either.produce("?timeout=30", payload=2, partition=0),
            either.batch({"topic": "example", "payload": 3, "partition": 0}, query="?timeout=30"),
        )
    ]
    await until(lambda: either.producer.in_flight == 3)
    either.kafka.unreachable_for_s = 2.5
    async with asyncio.timeout(5):
        answers = [await task for task in waiting]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(503, "broker_unavailable")] * 2
    assert not handed_over.done()
    either.kafka.unreachable_for_s = 0
    either.kafka.answer_now()
    assert (await handed_over).status_code == 200
    assert [record.value for record in either.kafka.records("example")] == [b"1"]


async def test_async_is_answered_with_a_receipt_that_tells_the_verdict(either: Service) -> None:
    either.kafka.answers = False
    response = await either.produce("?mode=async", payload=1, label="mine", partition=1)
    assert response.status_code == 202
    accepted = response.json()
    assert accepted == {
        "receipt_id": accepted["receipt_id"],
        "status": "pending",
        "topic": "example",
        "label": "mine",
    }
    assert response.headers["location"] == f"/receipts/{accepted['receipt_id']}"
    pending = (await either.http.get(response.headers["location"])).json()
    assert pending["status"] == "pending"
    assert pending["settled_at"] is None
    await until(lambda: bool(either.kafka.unanswered))
    either.kafka.answer_now()
    await until(lambda: either.producer.in_flight == 0)
    settled = (await either.http.get(response.headers["location"])).json()
    assert settled["status"] == "delivered"
    assert (settled["partition"], settled["offset"]) == (1, 0)
    assert settled["settled_at"] >= settled["accepted_at"]


async def test_async_with_kafka_away_is_queued(either: Service) -> None:
    either.kafka.reachable = False
    either.kafka.unreachable_for_s = 10
    assert (await either.produce("?mode=async", payload=1)).status_code == 202


async def test_a_full_queue_is_told(make_service: MakeService) -> None:
    service = make_service(producer_queue_messages=1, producer_queue_full_wait_s=0)
    service.kafka.reachable = False
    assert (await service.produce("?mode=async", payload=1)).status_code == 202
    response = await service.produce("?mode=async", payload=1)
    assert response.status_code == 503
    assert response.json()["code"] == "queue_full"


async def test_base64_keys_come_back_as_they_were(service: Service) -> None:
    key = base64.b64encode(bytes(range(256))).decode()
    response = await service.produce(payload=1, key=key, key_encoding="base64")
    assert response.json()["key"] == {"base64": key}
