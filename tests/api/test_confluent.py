"""The routes of Confluent's REST Proxy v2: bodies, answers and errors as Confluent documents them."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import httpx
import pytest

from app.api.confluent_errors import confluent_reply
from app.api.problems import CODES, Refusal
from app.messages import TopicPartition
from tests.api.conftest import MakeService
from tests.api.service import Service

JSON = "application/vnd.kafka.json.v2+json"
BINARY = "application/vnd.kafka.binary.v2+json"
V2 = "application/vnd.kafka.v2+json"


async def post(
    service: Service, body: Any, path: str = "/topics/example", content_type: str = JSON, **headers: str
) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await service.http.post(path, content=content, headers={"content-type": content_type, **headers})


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


async def test_records_are_answered_with_their_offsets_in_order(either: Service) -> None:
    records = [{"key": "k", "value": {"a": 1}, "partition": 1}, {"value": [1], "partition": 1}, {"value": "x"}]
    response = await post(either, {"records": records})
    assert (response.status_code, response.headers["content-type"]) == (200, V2)
    answer = response.json()
    assert (answer["key_schema_id"], answer["value_schema_id"]) == (None, None)
    assert [set(offset) for offset in answer["offsets"]] == [{"partition", "offset", "error_code", "error"}] * 3
    assert answer["offsets"][0] == {"partition": 1, "offset": 0, "error_code": None, "error": None}
    assert answer["offsets"][1]["offset"] == 1


async def test_json_is_stored_byte_for_byte_and_a_string_key_keeps_its_quotes(service: Service) -> None:
    body = b'{"records":[{"key":"k","value": {"b":1.0, "a":"\\u00e9"} },{"key":1,"value":null},{"value":"s"}]}'
    assert (await post(service, body)).status_code == 200
    stored = {(record.key, record.value) for record in service.kafka.records("example")}
    assert stored == {(b'"k"', b'{"b":1.0, "a":"\\u00e9"}'), (b"1", None), (None, b'"s"')}


@pytest.mark.parametrize("record", [{"value": None}, {}, {"key": None}])
async def test_a_null_value_is_a_tombstone_with_or_without_a_key(service: Service, record: Any) -> None:
    response = await post(service, {"records": [record]})
    assert response.json()["offsets"][0]["error_code"] is None
    (stored,) = service.kafka.records("example")
    assert (stored.key, stored.value) == (None, None)


async def test_binary_records_are_base64(either: Service) -> None:
    records = [{"key": b64(b"\x00k"), "value": b64(b"\xff")}, {"value": None}]
    assert (await post(either, {"records": records}, content_type=BINARY)).status_code == 200
    stored = {(record.key, record.value) for record in either.kafka.records("example")}
    assert stored == {(b"\x00k", b"\xff"), (None, None)}


async def test_headers_and_timestamps_are_taken(service: Service) -> None:
    headers = [{"key": "a", "value": b64(b"\xff")}, {"key": "a", "value": None}, {"key": "b"}]
    await post(service, {"records": [{"value": 1, "headers": headers, "timestamp": 1_700_000_000_000}]})
    (stored,) = service.kafka.records("example")
    assert list(stored.headers) == [("a", b"\xff"), ("a", None), ("b", None)]
    assert stored.timestamp == 1_700_000_000_000


async def test_a_partition_may_be_in_the_path(either: Service) -> None:
    response = await post(either, {"records": [{"value": 1}]}, "/topics/example/partitions/1")
    assert response.json()["offsets"][0]["partition"] == 1
    twice = await post(either, {"records": [{"value": 1, "partition": 0}]}, "/topics/example/partitions/1")
    assert (twice.status_code, twice.json()["error_code"]) == (422, 42201)


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        (JSON, 200),
        (V2, 200),
        ("application/json", 200),
        (JSON + "; charset=utf-8", 200),
        ("Application/Vnd.Kafka.JSON.v2+json", 200),
        ("", 200),
        (JSON + "; charset=latin-1", 415),
        ("application/vnd.kafka.avro.v2+json", 415),
        ("application/vnd.kafka.json.v1+json", 415),
        ("text/plain", 415),
    ],
)
async def test_the_content_types_of_json_and_binary_are_taken(either: Service, content_type: str, status: int) -> None:
    response = await post(either, {"records": [{"value": "eA=="}]}, content_type=content_type)
    assert response.status_code == status
    if status == 415:
        assert response.json()["error_code"] == 41501


@pytest.mark.parametrize(
    ("body", "status", "number"),
    [
        (b"{", 400, 40001),
        (b"\xff", 400, 40001),
        (b'{"records":[{"value":}]}', 400, 40001),
        (b"[]", 422, 42201),
        ({}, 422, 42201),
        ({"records": []}, 422, 42201),
        ({"records": {}}, 422, 42201),
        ({"records": [1]}, 422, 42201),
        ({"records": [{"value": 1}], "value_schema": "x"}, 422, 42201),
        ({"records": [{"value": 1, "more": 1}]}, 422, 42201),
        (b'{"records":[{"value":1,"value":2}]}', 422, 42201),
        ({"records": [{"value": 1, "partition": -1}]}, 422, 42201),
        ({"records": [{"value": 1, "timestamp": "2026-01-05T10:00:00Z"}]}, 422, 42201),
        ({"records": [{"value": 1, "headers": {"a": "b"}}]}, 422, 42201),
        ({"records": [{"value": 1, "headers": [{"key": "", "value": None}]}]}, 422, 42201),
        ({"records": [{"value": 1, "headers": [{"key": "a", "value": "?"}]}]}, 422, 42201),
        ({"records": [{"value": 1, "headers": [1]}]}, 422, 42201),
    ],
)
async def test_a_bad_body_is_refused_whole(either: Service, body: Any, status: int, number: int) -> None:
    response = await post(either, body)
    assert (response.status_code, response.json()["error_code"]) == (status, number)
    assert set(response.json()) == {"error_code", "message"}
    assert response.headers["content-type"] == V2
    assert either.kafka.records("example") == []


async def test_binary_that_is_not_base64_is_refused(service: Service) -> None:
    for record in ({"value": {"a": 1}}, {"value": "?"}, {"key": "?"}):
        assert (await post(service, {"records": [record]}, content_type=BINARY)).status_code == 422


@pytest.mark.parametrize(
    ("path", "status", "number"),
    [
        ("/topics/missing", 404, 40401),
        ("/topics/a%20b", 404, 40401),
        ("/topics/example/partitions/2", 404, 40402),
        ("/topics/example/partitions/x", 404, 40402),
        ("/topics/example/partitions/-1", 404, 40402),
        ("/topics/__consumer_offsets", 403, 40301),
        ("/topics/example.dlq", 403, 40301),
        ("/topics/example/other", 404, 40403),
        ("/topics/", 404, 40403),
    ],
)
async def test_topics_and_partitions_that_cannot_be_produced_to(
    either: Service, path: str, status: int, number: int
) -> None:
    response = await post(either, {"records": [{"value": 1}]}, path)
    assert (response.status_code, response.json()["error_code"]) == (status, number)


async def test_one_failed_record_does_not_fail_the_others(service: Service) -> None:
    records = [{"value": 1, "partition": 0}, {"value": 2, "partition": 7}, {"value": 3, "partition": 0}]
    answer = (await post(service, {"records": records})).json()
    assert [offset["error_code"] for offset in answer["offsets"]] == [None, 50002, None]
    assert answer["offsets"][1]["partition"] is None
    assert "partitions 0 to 1" in answer["offsets"][1]["error"]


async def test_records_that_kafka_does_not_take_now_are_retriable(make_service: MakeService) -> None:
    service = make_service(http_timeout_s=0.1)
    service.kafka.answers = False
    answer = (await post(service, {"records": [{"value": 1}]})).json()
    assert answer["offsets"][0]["error_code"] == 50003
    service.kafka.unreachable_for_s = 5
    answer = (await post(service, {"records": [{"value": 1}]})).json()
    assert answer["offsets"][0]["error_code"] == 50003


async def test_protections_have_the_shape_of_these_routes(make_service: MakeService) -> None:
    service = make_service(http_max_body_bytes=100, http_max_batch=2)
    large = await post(service, {"records": [{"value": "x" * 100}]})
    assert (large.status_code, large.json()["error_code"]) == (413, 41301)
    many = await post(service, {"records": [{"value": 1}] * 3})
    assert (many.status_code, many.json()["error_code"]) == (413, 41301)
    coded = await post(service, b"x", **{"content-encoding": "br"})
    assert (coded.status_code, coded.json()["error_code"]) == (415, 41501)
    foreign = await post(service, {"records": []}, origin="https://evil.example")
    assert (foreign.status_code, foreign.json()["error_code"]) == (403, 40301)
    method = await service.http.delete("/topics/example")
    assert (method.status_code, method.json()["error_code"]) == (405, 40403)
    assert method.headers["allow"] == "GET, HEAD, POST"
    service.application.admission.refuse_new_calls()
    draining = await post(service, {"records": [{"value": 1}]})
    assert (draining.status_code, draining.json()["error_code"]) == (503, 50302)
    assert draining.headers["retry-after"]


LISTED = {40001, 40101, 40301, 40401, 40402, 40403, 41301, 41501, *range(42201, 42206), 42901, 50001, 50002, 50302}


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_one_of_the_documented_numbers(code: str) -> None:
    reply = confluent_reply(Refusal(code, "why"))
    number = json.loads(reply.body)["error_code"]
    assert number in LISTED
    assert number // 100 == reply.status or reply.status in (405, 406, 408, 409, 501, 504)


@pytest.mark.parametrize(
    "query", ["mode=async", "atomic=true", "x=1", "timeout=0", "timeout=99", "timeout=1&timeout=2"]
)
@pytest.mark.parametrize("path", ["/topics/example", "/topics/example/partitions/1"])
async def test_parameters_that_are_not_known_or_not_valid_are_refused(either: Service, path: str, query: str) -> None:
    response = await post(either, {"records": [{"value": 1}]}, f"{path}?{query}")
    assert (response.status_code, response.json()["error_code"]) == (422, 42201)
    assert f"query.{query.partition('=')[0]}" in response.json()["message"]
    assert either.kafka.records("example") == []


async def test_timeout_says_how_long_to_wait(either: Service) -> None:
    either.kafka.answers = False
    async with asyncio.timeout(5):
        answer = (await post(either, {"records": [{"value": 1}]}, "/topics/example?timeout=0.1")).json()
    assert answer["offsets"][0]["error_code"] == 50003
    assert "within 0.1 s" in answer["offsets"][0]["error"]


@pytest.mark.parametrize("key", [("a b",), ("",), ("a", "b")])
async def test_an_idempotency_key_that_is_not_valid_is_refused(either: Service, key: tuple[str, ...]) -> None:
    headers = [("content-type", JSON), *(("idempotency-key", one) for one in key)]
    response = await either.http.post("/topics/example", content=b'{"records":[{"value":1}]}', headers=headers)
    assert (response.status_code, response.json()["error_code"]) == (422, 42201)
    assert "Idempotency-Key" in response.json()["message"]


async def test_an_idempotency_key_counts_here_too(either: Service) -> None:
    headers = {"idempotency-key": "k"}
    first = await post(either, {"records": [{"value": 1}]}, **headers)
    again = await post(either, {"records": [{"value": 1}]}, **headers)
    assert first.content == again.content
    assert again.headers["idempotency-replayed"] == "true"
    other = await post(either, {"records": [{"value": 2}]}, **headers)
    assert (other.status_code, other.json()["error_code"]) == (422, 42205)
    binary = await post(either, {"records": [{"value": 1}]}, content_type=BINARY, **headers)
    assert binary.status_code == 422


async def test_topics_partitions_offsets_and_brokers_are_read(service: Service) -> None:
    await post(service, {"records": [{"value": 1, "partition": 1}]})
    partition = {
        "partition": 1,
        "leader": 1,
        "replicas": [{"broker": 1, "leader": True, "in_sync": True}, {"broker": 2, "leader": False, "in_sync": False}],
    }

    async def get(path: str) -> Any:
        response = await service.http.get(path)
        assert (response.status_code, response.headers["content-type"]) == (200, V2)
        return response.json()

    assert await get("/topics") == ["example", "other"]
    topic = await get("/topics/example")
    assert (topic["name"], topic["configs"]) == ("example", {"cleanup.policy": "delete"})
    assert topic["partitions"][1] == partition
    assert (await get("/topics/example/partitions"))[1] == partition
    assert await get("/topics/example/partitions/1") == partition
    assert await get("/topics/example/partitions/1/offsets") == {"beginning_offset": 0, "end_offset": 1}
    assert await get("/brokers") == {"brokers": [1, 2]}
    assert service.kafka.stored[TopicPartition("example", 1)]


@pytest.mark.parametrize(
    ("path", "status", "number"),
    [
        ("/topics/missing", 404, 40401),
        ("/topics/missing/partitions", 404, 40401),
        ("/topics/missing/partitions/0", 404, 40401),
        ("/topics/example/partitions/2", 404, 40402),
        ("/topics/example/partitions/x/offsets", 404, 40402),
        ("/brokers/1", 404, 40403),
    ],
)
async def test_reads_of_what_does_not_exist(service: Service, path: str, status: int, number: int) -> None:
    response = await service.http.get(path)
    assert (response.status_code, response.json()["error_code"]) == (status, number)


async def test_reads_with_kafka_away_are_503(service: Service) -> None:
    service.kafka.reachable = False
    for path in ("/topics", "/topics/example", "/topics/example/partitions/0/offsets"):
        response = await service.http.get(path)
        assert (response.status_code, response.json()["error_code"]) == (503, 50302)


async def test_topics_that_are_not_allowed_do_not_exist_in_the_reads(make_service: MakeService) -> None:
    service = make_service(http_topics="oth*")
    assert (await service.http.get("/topics")).json() == ["other"]
    assert (await service.http.get("/topics/example")).json()["error_code"] == 40401
    assert (await post(service, {"records": [{"value": 1}]})).json()["error_code"] == 40301


@pytest.mark.parametrize("topic", ["__consumer_offsets", "example"])
async def test_nobody_is_advised_to_create_a_topic_that_is_not_for_clients(
    make_service: MakeService, topic: str
) -> None:
    service = make_service(http_topics="oth*")
    for path in (f"/topics/{topic}", f"/topics/{topic}/partitions", f"/topics/{topic}/partitions/0/offsets"):
        answer = (await service.http.get(path)).json()
        assert answer == {"error_code": 40401, "message": f"There is no topic {topic} here"}
    assert "create it" in (await service.http.get("/topics/others")).json()["message"]


async def test_under_an_idempotency_key_a_call_of_which_nothing_was_stored_is_made_again(either: Service) -> None:
    either.kafka.unreachable_for_s = 5
    headers, body = {"idempotency-key": "k"}, {"records": [{"value": 1}]}
    assert (await post(either, body, **headers)).json()["offsets"][0]["error_code"] == 50003
    either.kafka.unreachable_for_s = 0
    again = await post(either, body, **headers)
    assert again.json()["offsets"][0]["error_code"] is None
    assert "idempotency-replayed" not in again.headers
    assert (await post(either, body, **headers)).content == again.content
    assert len(either.kafka.records("example")) == 1


async def test_under_an_idempotency_key_what_is_not_known_is_waited_for(either: Service) -> None:
    either.kafka.answers = False
    headers, body = {"idempotency-key": "k"}, {"records": [{"value": 1, "partition": 0}, {"value": 2, "partition": 1}]}
    first = await post(either, body, "/topics/example?timeout=1", **headers)
    assert [offset["error_code"] for offset in first.json()["offsets"]] == [50003, 50003]
    either.kafka.answer_now()
    again = await post(either, body, "/topics/example?timeout=1", **headers)
    assert [offset["error_code"] for offset in again.json()["offsets"]] == [None, None]
    assert again.headers["idempotency-replayed"] == "true"
    assert len(either.kafka.records("example")) == 2


async def test_under_an_idempotency_key_faults_of_the_sender_are_kept(either: Service) -> None:
    headers, body = {"idempotency-key": "k"}, {"records": [{"value": 1, "partition": 7}]}
    first = await post(either, body, **headers)
    assert first.json()["offsets"][0]["error_code"] == 50002
    again = await post(either, body, **headers)
    assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
