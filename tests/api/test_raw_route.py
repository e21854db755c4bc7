"""POST /produce/{topic}: the body as it is, the other fields in query and headers."""

from __future__ import annotations

import gzip
from typing import Any

import httpx
import pytest

from app.api.producing_routes import FastLane
from tests.api.service import Service, until


async def raw(service: Service, target: str, body: bytes = b"x", /, **headers: str) -> httpx.Response:
    return await service.http.post(f"/produce/{target}", content=body, headers=headers)


@pytest.mark.parametrize("body", [b"", b"null", b"\xff\x00", b'{"topic":"other"}', b"x" * 100_000])
async def test_the_body_is_the_payload(either: Service, body: bytes) -> None:
    response = await raw(either, "example", body, **{"content-type": "image/png"})
    assert response.status_code == 200, response.text
    (record,) = either.kafka.records("example")
    assert (record.value, record.key, list(record.headers)) == (body, None, [])
    assert set(response.json()) == {
        "topic",
        "partition",
        "offset",
        "timestamp",
        "key",
        "label",
        "error",
        "latency_ms",
    }


async def test_content_codings_are_undone_first(either: Service) -> None:
    assert (await raw(either, "example", gzip.compress(b"plain"), **{"content-encoding": "gzip"})).status_code == 200
    assert either.kafka.records("example")[0].value == b"plain"


async def test_the_other_fields_are_in_the_query(either: Service) -> None:
    query = "key=k%20%C3%A9&partition=1&timestamp=1700000000000&label=mine&timeout=5&mode=sync&tombstone=false"
    answer = (await raw(either, f"example?{query}")).json()
    assert (answer["key"], answer["partition"], answer["label"]) == ("k é", 1, "mine")
    assert answer["timestamp"] == 1_700_000_000_000
    assert either.kafka.records("example")[0].key == "k é".encode()


@pytest.mark.parametrize(
    ("query", "key"), [("key=", b""), ("key=%FF%00", b"\xff\x00"), ("key=a%2Bb", b"a+b"), ("partition_key=k", None)]
)
async def test_a_key_may_be_any_bytes(service: Service, query: str, key: bytes | None) -> None:
    assert (await raw(service, f"example?{query}")).status_code == 200
    assert service.kafka.records("example")[0].key == key


async def test_a_partition_key_chooses_as_a_key_does(service: Service) -> None:
    by_key = [(await raw(service, f"example?key={n}")).json()["partition"] for n in range(20)]
    by_partition_key = [(await raw(service, f"example?key=x&partition_key={n}")).json()["partition"] for n in range(20)]
    assert by_key == by_partition_key


async def test_a_timestamp_may_be_rfc_3339(service: Service) -> None:
    answer = (await raw(service, "example?timestamp=2026-01-05T11:30:00%2B01:30")).json()
    assert answer["timestamp"] == 1_767_607_200_000


async def test_kafka_headers_become_record_headers_in_order(either: Service) -> None:
    sent = [
        (b"Kafka-Header-Trace", b"1"),
        (b"kafka-header-a", b""),
        (b"Kafka-Header-TRACE", b"\xe9"),
        (b"other", b"x"),
    ]
    response = await either.http.post("/produce/example", content=b"x", headers=sent)
    assert response.status_code == 200
    assert list(either.kafka.records("example")[0].headers) == [("trace", b"1"), ("a", b""), ("trace", b"\xe9")]


async def test_a_trace_goes_into_the_headers(service: Service) -> None:
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await raw(service, "example", **{"traceparent": traceparent, "kafka-header-a": "1"})
    headers = [("a", b"1"), ("traceparent", traceparent.encode())]
    assert list(service.kafka.records("example")[0].headers) == headers


async def test_a_tombstone_has_an_empty_body_and_a_key(either: Service) -> None:
    assert (await raw(either, "example?key=k&tombstone=true", b"")).status_code == 200
    assert either.kafka.records("example")[0].value is None
    with_body = await raw(either, "example?key=k&tombstone=true", b"x")
    assert (with_body.status_code, with_body.json()["code"]) == (400, "invalid_parameter")
    assert with_body.json()["errors"][0]["path"] == "query.tombstone"
    without_key = await raw(either, "example?tombstone=true", b"")
    assert (without_key.status_code, without_key.json()["code"]) == (422, "invalid_message")
    assert without_key.json()["errors"][0]["path"] == "key"


@pytest.mark.parametrize(
    ("query", "paths"),
    [
        ("partition=-1", ["partition"]),
        ("partition=null", ["partition"]),
        ("partition=1.0", ["partition"]),
        ("partition=2147483648&mode=x", ["partition", "mode"]),
        ("timestamp=yesterday", ["timestamp"]),
        ("timestamp=-1", ["timestamp"]),
        ("timestamp=\u0665", ["timestamp"]),
        ("label=%FF", ["label"]),
        ("label=" + "x" * 257, ["label"]),
        ("partition_key=%FF", ["partition_key"]),
        ("tombstone=1", ["tombstone"]),
        ("atomic=true", ["atomic"]),
        ("key=a&key=b", ["key"]),
        ("timeout=99", ["timeout"]),
        ("topic=example", ["topic"]),
    ],
)
async def test_bad_query_values_are_named(either: Service, query: str, paths: list[str]) -> None:
    response = await raw(either, f"example?{query}")
    assert (response.status_code, response.json()["code"]) == (400, "invalid_parameter")
    assert [fault["path"] for fault in response.json()["errors"]] == [f"query.{path}" for path in paths]
    assert either.kafka.records("example") == []


async def test_what_is_right_by_itself_and_not_together_is_a_fault_of_the_message(either: Service) -> None:
    headers = [(b"Kafka-Header-A", b"1"), (b"Kafka-Header-", b"no name")]
    query = "partition=1&partition_key=x&tombstone=true"
    response = await either.http.post(f"/produce/a%20b?{query}", content=b"", headers=headers)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_message")
    assert [fault["path"] for fault in response.json()["errors"]] == ["topic", "key", "partition_key", "headers.1"]
    assert not either.kafka.stored


@pytest.mark.parametrize("topic", ["a b", "..", "é", "x" * 250])
async def test_a_bad_topic_name_is_422(either: Service, topic: str) -> None:
    response = await raw(either, topic.replace("..", "%2E%2E"))
    assert response.status_code in (404, 422)  # clients may resolve the two dots themselves
    if topic != "..":
        assert (response.status_code, response.json()["code"]) == (422, "invalid_message")
        assert response.json()["errors"][0]["path"] == "topic"


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ("missing", 404, "unknown_topic"),
        ("missing?mode=async", 404, "unknown_topic"),
        ("__consumer_offsets", 403, "internal_topic"),
        ("example.dlq", 403, "topic_forbidden"),
        ("example?partition=7", 422, "unknown_partition"),
        ("", 404, "not_found"),
        ("a/b", 404, "not_found"),
        ("a%2Fb", 422, "invalid_message"),
        ("a%2fb", 422, "invalid_message"),
        ("a%252Fb", 422, "invalid_message"),
    ],
)
async def test_what_cannot_be_produced_is_refused_as_on_the_other_routes(
    either: Service, target: str, status: int, code: str
) -> None:
    response = await raw(either, target)
    assert (response.status_code, response.json()["code"]) == (status, code)


async def test_async_is_answered_with_a_receipt(either: Service) -> None:
    response = await raw(either, "example?mode=async&label=mine")
    assert response.status_code == 202
    assert response.json()["label"] == "mine"
    await until(lambda: either.producer.in_flight == 0)
    assert (await either.http.get(response.headers["location"])).json()["status"] == "delivered"


async def test_it_is_counted_under_its_template_and_get_is_not_allowed(either: Service) -> None:
    await raw(either, "example")
    response = await either.http.get("/produce/example")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    line = 'demijohn_http_requests_total{method="POST",route="/produce/{topic}",status="200"} 1.0'
    assert line in (await either.http.get("/metrics")).text


async def test_a_topic_called_batch_is_produced_to_by_the_other_routes(service: Service) -> None:
    service.kafka.topic_partitions["batch"] = 1
    assert (await raw(service, "batch")).status_code == 400
    assert (await service.produce(topic="batch", payload=1)).status_code == 200


def test_the_fast_lane_finds_whole_paths_before_varying_ones(service: Service) -> None:
    lane = FastLane(service.application.produce)

    def template(path: str) -> Any:
        route = lane.find(path)
        return route and route.info.template

    assert template("/produce") == "/produce"
    assert template("/produce/batch") == "/produce/batch"
    assert template("/produce/x") == "/produce/{topic}"
    assert template("/produce/") is None
    assert template("/produce/x/y") is None
    assert template("/other") is None
