"""Idempotency-Key: what is given again, what is tried again, and what is waited for."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from aiokafka.errors import ProducerClosed

from app.api import replays
from tests.api.conftest import MakeService
from tests.api.service import Service, until


async def post(
    service: Service, body: Any, key: str = "k-1", target: str = "/produce", **headers: str
) -> httpx.Response:
    return await service.http.post(target, json=body, headers={"idempotency-key": key, **headers})


def message(**fields: Any) -> dict[str, Any]:
    return {"topic": "example", "payload": 1, **fields}


def stored(service: Service) -> int:
    return len(service.kafka.records("example"))


@pytest.mark.parametrize(
    ("target", "body", "status"),
    [
        ("/produce", message(), 200),
        ("/produce?mode=async", message(), 202),
        ("/produce", {"topic": "example"}, 422),
        ("/produce", message(partition=7), 422),
        ("/produce/batch", {"messages": [message()]}, 200),
        ("/produce/batch", {"messages": [message(), {}]}, 207),
        ("/produce/batch?mode=async", {"messages": [message()]}, 202),
        ("/produce/batch", {"messages": [{}]}, 422),
        ("/produce/batch", {"messages": []}, 422),
        ("/produce/example?key=a", {"any": "body"}, 200),
    ],
)
async def test_the_same_call_again_gets_the_same_answer_byte_for_byte(
    either: Service, target: str, body: Any, status: int
) -> None:
    first = await post(either, body, target=target, **{"x-request-id": "one"})
    await until(lambda: either.producer.in_flight == 0)
    held = stored(either)
    again = await post(either, body, target=target, **{"x-request-id": "two"})
    assert first.status_code == again.status_code == status
    assert first.content == again.content
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["x-request-id"] == "two"
    for name in ("content-type", "location"):
        assert first.headers.get(name) == again.headers.get(name)
    assert stored(either) == held


async def test_a_payload_too_large_is_kept(make_service: MakeService) -> None:
    service = make_service(producer_max_payload_bytes=10)
    first = await post(service, message(payload="x" * 20))
    assert first.status_code == 413
    assert (await post(service, message(payload="x" * 20))).content == first.content


async def test_another_body_under_the_key_is_refused(either: Service) -> None:
    await post(either, message())
    response = await post(either, message(payload=2))
    assert (response.status_code, response.json()["code"]) == (422, "idempotency_key_reused")
    assert stored(either) == 1


async def test_record_headers_of_a_raw_call_belong_to_its_body(service: Service) -> None:
    await post(service, 1, target="/produce/example", **{"kafka-header-a": "1"})
    response = await post(service, 1, target="/produce/example", **{"kafka-header-a": "2"})
    assert response.json()["code"] == "idempotency_key_reused"


async def test_a_key_is_valid_for_its_path_query_and_key(service: Service) -> None:
    await post(service, message())
    await post(service, message(), key="k-2")
    await post(service, message(), target="/produce?timeout=5")
    await post(service, message(), target="/produce/example")
    assert stored(service) == 4


@pytest.mark.parametrize("key", ["", "a b", "x" * 129, "é", "a\tb"])
async def test_a_key_that_is_not_visible_ascii_is_400(either: Service, key: str) -> None:
    headers = {b"idempotency-key": key.encode()}
    response = await either.http.post("/produce", json=message(), headers=headers)
    assert (response.status_code, response.json()["code"]) == (400, "invalid_idempotency_key")
    assert response.json()["errors"][0]["path"] == "header.Idempotency-Key"


async def test_two_keys_are_none(either: Service) -> None:
    headers = [("content-type", "application/json"), ("idempotency-key", "a"), ("idempotency-key", "b")]
    response = await either.http.post("/produce", content=b'{"topic":"example","payload":1}', headers=headers)
    assert (response.status_code, response.json()["code"]) == (400, "invalid_idempotency_key")
    assert "more than once" in response.json()["detail"]
    assert stored(either) == 0
    assert (await post(either, message(), key="a,b")).status_code == 200


async def test_a_key_may_have_128_characters(service: Service) -> None:
    assert (await post(service, message(), key="!" * 127 + "~")).status_code == 200


@pytest.mark.parametrize(("body", "status"), [(message(topic="missing"), 404), (message(topic="__a"), 403)])
async def test_what_may_go_well_later_is_tried_again(service: Service, body: Any, status: int) -> None:
    assert (await post(service, body)).status_code == status
    service.kafka.topic_partitions["missing"] = 1
    again = await post(service, body)
    assert "idempotency-replayed" not in again.headers
    assert again.status_code == (200 if status == 404 else status)


async def test_a_call_that_found_kafka_away_is_tried_again(service: Service) -> None:
    service.kafka.unreachable_for_s = 5
    assert (await post(service, message())).status_code == 503
    service.kafka.unreachable_for_s = 0
    assert (await post(service, message())).status_code == 200


async def test_a_call_that_is_still_running_is_waited_for(either: Service) -> None:
    either.kafka.answers = False
    calls = [asyncio.ensure_future(post(either, message())) for _ in range(5)]
    await until(lambda: bool(either.kafka.unanswered))
    either.kafka.answer_now()
    responses = await asyncio.gather(*calls)
    assert len({response.content for response in responses}) == 1
    assert sorted(response.headers.get("idempotency-replayed", "") for response in responses) == ["", *["true"] * 4]
    assert stored(either) == 1


async def test_a_call_that_waited_for_one_without_a_kept_answer_tries_by_itself(service: Service) -> None:
    service.kafka.answers = False
    before = asyncio.ensure_future(service.produce("?timeout=5", payload=0, partition=0))
    await until(lambda: bool(service.kafka.unanswered))
    queued = message(partition=0)
    calls = [asyncio.ensure_future(post(service, queued, target="/produce?timeout=0.1")) for _ in range(2)]
    responses = await asyncio.gather(*calls)
    assert [response.status_code for response in responses] == [503, 503]
    assert all("idempotency-replayed" not in response.headers for response in responses)
    service.kafka.answer_now()
    assert (await before).status_code == 200
    assert (await post(service, queued, target="/produce?timeout=0.5")).status_code == 200


@pytest.mark.parametrize(
    ("target", "body"),
    [("/produce?timeout=0.5", message()), ("/produce/batch?timeout=0.1", {"messages": [message()]})],
)
async def test_after_a_504_the_key_stays_bound_to_its_delivery(either: Service, target: str, body: Any) -> None:
    either.kafka.answers = False
    first = await post(either, body, target=target)
    assert first.status_code == 504
    assert "same Idempotency-Key" in first.json()["detail"]
    second = await post(either, body, target=target)
    assert second.status_code == 504
    assert len(either.kafka.unanswered) == 1
    either.kafka.answer_now()
    third = await post(either, body, target=target)
    fourth = await post(either, body, target=target)
    assert third.status_code == fourth.status_code == 200
    assert third.content == fourth.content
    assert stored(either) == 1


@pytest.mark.parametrize(
    ("target", "body"),
    [("/produce?timeout=0.5", message()), ("/produce/batch?timeout=0.1", {"messages": [message()]})],
)
async def test_a_final_unknown_is_kept_and_says_what_a_new_key_would_do(
    service: Service, target: str, body: Any
) -> None:
    service.kafka.answers = False
    assert (await post(service, body, target=target)).status_code == 504
    await until(lambda: bool(service.kafka.unanswered))
    for answered, _, _ in service.kafka.unanswered:
        answered(None, ProducerClosed())
    await until(lambda: service.producer.in_flight == 0)
    service.kafka.answers = True
    second = await post(service, body, target=target)
    third = await post(service, body, target=target)
    assert second.status_code == third.status_code == 504
    assert second.content == third.content
    assert "stored twice" in second.json()["detail"]
    assert stored(service) == 0


async def test_a_kept_207_says_that_its_failures_need_a_new_key(service: Service) -> None:
    response = await post(service, {"messages": [message(), {}]}, target="/produce/batch")
    assert "new key" in response.json()["detail"]


async def test_answers_are_forgotten_after_their_time(make_service: MakeService) -> None:
    service = make_service(http_idempotency_ttl_s=0.001)
    await post(service, message())
    await asyncio.sleep(0.002)
    again = await post(service, message())
    assert "idempotency-replayed" not in again.headers
    assert stored(service) == 2


async def test_the_oldest_answers_make_room(make_service: MakeService) -> None:
    service = make_service(http_idempotency_max=2)
    for key in ("a", "b", "c"):
        await post(service, message(), key=key)
    assert "idempotency-replayed" in (await post(service, message(), key="c")).headers
    assert "idempotency-replayed" not in (await post(service, message(), key="a")).headers


async def test_large_answers_make_room_too(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replays, "MAX_BYTES", 100)
    for key in ("a", "b", "c"):
        await post(service, message(), key=key)
    assert "idempotency-replayed" not in (await post(service, message(), key="a")).headers


async def test_with_all_keys_running_new_ones_are_refused(make_service: MakeService) -> None:
    service = make_service(http_idempotency_max=1)
    service.kafka.answers = False
    running = asyncio.ensure_future(post(service, message(), key="a"))
    await until(lambda: bool(service.kafka.unanswered))
    refused = await post(service, message(), key="b")
    assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
    service.kafka.answer_now()
    assert (await running).status_code == 200


async def test_a_cut_call_leaves_its_key_free(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    service.kafka.answers = False
    running = asyncio.ensure_future(post(service, message()))
    await until(lambda: bool(service.kafka.unanswered))
    running.cancel()
    await asyncio.wait({running})
    service.kafka.answer_now()
    assert (await post(service, message())).status_code == 200
