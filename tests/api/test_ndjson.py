"""Streams of lines: results in order as they come, flow control, stops and silences."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.api import ndjson
from app.api.spool import MEMORY_BYTES
from app.events import MessagesProducedAsync, MessagesProducedSync
from tests.api.conftest import MakeService
from tests.api.service import Service, until
from tests.api.streaming import Stream

HEADERS = {"content-type": "application/x-ndjson"}


def message(number: int = 0, **fields: Any) -> dict[str, Any]:
    return {"topic": "example", "payload": number, **fields}


def body(*messages: Any) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in messages)


async def post(service: Service, content: bytes, query: str = "", **headers: str) -> httpx.Response:
    return await service.http.post(f"/produce/batch{query}", content=content, headers={**HEADERS, **headers})


def lines(response: httpx.Response) -> list[dict[str, Any]]:
    return [json.loads(line) for line in response.content.splitlines()]


def idle(service: Service) -> bool:
    admission = service.application.admission
    return admission.messages == admission.size_bytes == 0


async def test_each_line_has_its_result_in_order(either: Service) -> None:
    content = body(message(1, partition=0, label="a"), message(2, topic="missing"), [1], message(3, partition=0))
    response = await post(either, content + b'\n  \r\n{"topic"\n' + json.dumps(message(4, partition=0)).encode())
    assert (response.status_code, response.headers["content-type"]) == (200, "application/x-ndjson")
    assert response.headers["x-request-id"]
    results = lines(response)
    assert [result["status"] for result in results] == [
        "delivered",
        "failed",
        "failed",
        "delivered",
        "failed",
        "delivered",
    ]
    assert results[0] == {
        "status": "delivered",
        "topic": "example",
        "partition": 0,
        "offset": 0,
        "timestamp": results[0]["timestamp"],
        "label": "a",
    }
    assert [result["code"] for result in (results[1], results[2], results[4])] == [
        "unknown_topic",
        "invalid_message",
        "malformed_json",
    ]
    assert results[1]["errors"][0]["path"] == "topic"
    assert [results[at]["offset"] for at in (0, 3, 5)] == [0, 1, 2]
    assert idle(either)


async def test_receipt_lines_come_with_mode_async(either: Service) -> None:
    results = lines(await post(either, body(message(1, label="a"), message(2, topic="missing")), "?mode=async"))
    assert results[0]["status"] == "pending"
    assert (results[0]["topic"], results[0]["label"]) == ("example", "a")
    assert results[1]["code"] == "unknown_topic"
    await until(lambda: either.producer.in_flight == 0)
    receipt = await either.http.get(f"/receipts/{results[0]['receipt_id']}")
    assert receipt.json()["status"] == "delivered"


async def test_a_full_queue_fails_the_line_alone(make_service: MakeService) -> None:
    service = make_service(producer_queue_messages=1, producer_queue_full_wait_s=0)
    service.kafka.reachable = False
    results = lines(await post(service, body(message(1), message(2)), "?mode=async"))
    assert [result.get("code") for result in results] == [None, "queue_full"]


@pytest.mark.parametrize(
    ("query", "headers", "status", "code"),
    [
        ("?atomic=true", {}, 400, "invalid_parameter"),
        ("?timeout=0", {}, 400, "invalid_parameter"),
        ("", {"idempotency-key": "k"}, 400, "invalid_idempotency_key"),
        ("", {"content-encoding": "br"}, 415, "unsupported_encoding"),
    ],
)
async def test_what_can_be_known_before_the_first_line_is_refused(
    either: Service, query: str, headers: dict[str, str], status: int, code: str
) -> None:
    response = await post(either, body(message()), query, **headers)
    assert (response.status_code, response.json()["code"]) == (status, code)


async def test_content_codings_are_undone_as_the_lines_come(service: Service) -> None:
    results = lines(await post(service, gzip.compress(body(*map(message, range(3)))), **{"content-encoding": "gzip"}))
    assert [result["status"] for result in results] == ["delivered"] * 3
    cut = gzip.compress(body(*map(message, range(3))))[:-4]
    results = lines(await post(service, cut, **{"content-encoding": "gzip"}))
    assert [result["status"] for result in results] == ["delivered"] * 3 + ["failed"]
    assert results[-1]["code"] == "corrupt_encoding"


async def test_the_limit_of_a_body_counts_for_each_line(make_service: MakeService) -> None:
    service = make_service(http_max_body_bytes=100)
    content = body(message(payload="x" * 200), *(message(n) for n in range(50)))
    results = lines(await post(service, content))
    assert results[0]["code"] == "body_too_large"
    assert [result["status"] for result in results[1:]] == ["delivered"] * 50
    assert idle(service)


async def test_an_empty_stream_is_answered_with_no_line(either: Service) -> None:
    response = await post(either, b"\n")
    assert (response.status_code, response.content) == (200, b"")


async def test_a_trace_and_the_rules_for_topics_hold_for_lines_too(service: Service) -> None:
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    results = lines(await post(service, body(message(), message(topic="__a")), traceparent=traceparent))
    assert results[1]["code"] == "internal_topic"
    assert list(service.kafka.records("example")[0].headers) == [("traceparent", traceparent.encode())]


async def test_results_come_while_the_body_is_still_being_sent(service: Service) -> None:
    stream = Stream(service)
    await until(lambda: stream.started is not None)
    for number in range(3):
        stream.give(message(number))
        assert len(await stream.until_results(number + 1)) == number + 1
    stream.end()
    assert len(await stream.ended()) == 3
    assert stream.complete


async def test_a_message_waits_for_its_own_time_only(service: Service) -> None:
    service.kafka.answers = False
    stream = Stream(service, query="timeout=0.1")
    stream.give(message(1, partition=0), message(2, partition=0))
    stream.end()
    first, second = await stream.ended()
    assert (first["status"], first["code"]) == ("unknown", "delivery_unknown")
    assert second["code"] in ("broker_unavailable", "delivery_unknown")
    assert idle(service)


async def test_a_client_that_sends_everything_before_it_reads_is_served(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ndjson, "MAX_PENDING", 50)
    stream = Stream(service)
    stream.stop_reading()
    number = 5000
    for start in range(0, number, 100):
        stream.give(body(*(message(n, label="x" * 200) for n in range(start, start + 100))))
    stream.end()
    await until(lambda: stream.taken and service.producer.in_flight == 0 and idle(service))
    budget = service.application.produce[1]._streams._budget  # type: ignore[attr-defined]  # of the batch route
    assert budget.used_bytes > MEMORY_BYTES
    stream.read_on()
    results = await stream.ended()
    assert [result["status"] for result in results] == ["delivered"] * number
    assert budget.used_bytes == 0


async def test_with_the_spool_full_no_more_is_read_until_the_client_reads(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ndjson, "MAX_PENDING", 10)
    streams = service.application.produce[1]._streams  # type: ignore[attr-defined]  # of the batch route
    streams._budget._max = 10_000
    stream = Stream(service)
    stream.stop_reading()
    for _ in range(100):
        stream.give(body(*(message(n, label="x" * 200) for n in range(100))))
    stream.end()
    await until(lambda: streams._budget.exhausted)
    accepted = -1
    while accepted != service.snapshot.document()["produce"]["accepted"]:
        accepted = service.snapshot.document()["produce"]["accepted"]
        for _ in range(50):
            await asyncio.sleep(0)
    assert accepted < 5000
    assert not stream.taken
    stream.read_on()
    assert len(await stream.ended()) == 10_000


async def test_no_more_than_so_many_messages_wait_at_once(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ndjson, "MAX_PENDING", 10)
    service.kafka.answers = False
    stream = Stream(service)
    stream.give(body(*map(message, range(100))))
    stream.end()
    await until(lambda: service.application.admission.messages == 10)
    for _ in range(100):
        await asyncio.sleep(0)
    assert service.application.admission.messages == 10
    service.kafka.answer_now()
    assert len(await stream.ended()) == 100


async def test_a_stream_waits_where_the_service_is_at_its_limits(make_service: MakeService) -> None:
    service = make_service(http_max_in_flight=2)
    service.kafka.answers = False
    stream = Stream(service)
    stream.give(body(*map(message, range(5))))
    await until(lambda: service.application.admission.messages == 2)
    service.kafka.answer_now()
    stream.end()
    assert [result["status"] for result in await stream.ended()] == ["delivered"] * 5


async def test_a_stop_in_the_middle_tells_what_was_read_and_not_sent(either: Service) -> None:
    stream = Stream(either)
    stream.give(message(1))
    await stream.until_results(1)
    either.application.admission.refuse_new_calls()
    results = await stream.ended()
    assert [(result["status"], result.get("code")) for result in results] == [
        ("delivered", None),
        ("not_sent", "draining"),
    ]
    assert results[1]["retriable"] is True
    assert stream.complete
    assert idle(either)


async def test_lines_read_when_the_stop_begins_are_each_told(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ndjson, "MAX_PENDING", 2)
    service.kafka.answers = False
    stream = Stream(service)
    stream.give(body(*map(message, range(5))))
    await until(lambda: service.application.admission.messages == 2)
    service.application.admission.refuse_new_calls()
    service.kafka.answer_now()
    results = await stream.ended()
    assert [result["status"] for result in results] == ["delivered"] * 2 + ["not_sent"] * 3


async def test_a_silent_client_is_told_and_the_stream_ends(make_service: MakeService) -> None:
    service = make_service(http_body_timeout_s=0.2)
    stream = Stream(service)
    stream.give(message(1), b'{"topic"')
    results = await stream.ended()
    assert [(result["status"], result.get("code")) for result in results] == [
        ("delivered", None),
        ("failed", "request_timeout"),
    ]
    assert "HTTP_BODY_TIMEOUT_S" in results[1]["detail"]
    assert stream.complete


async def test_waiting_for_a_verdict_is_no_silence(make_service: MakeService) -> None:
    service = make_service(http_body_timeout_s=0.05)
    service.kafka.answers = False
    stream = Stream(service, query="timeout=0.3")
    stream.give(message(1))
    results = await stream.ended()
    assert [result["code"] for result in results] == ["delivery_unknown", "request_timeout"]


async def test_a_client_that_neither_sends_nor_reads_is_given_up(make_service: MakeService) -> None:
    service = make_service(http_body_timeout_s=0.1)
    stream = Stream(service)
    stream.stop_reading()
    stream.give(message(1))
    await stream.ended()
    assert not stream.complete
    assert idle(service)
    assert 'status="499"' in (await service.http.get("/metrics")).text


async def test_a_client_that_goes_leaves_nothing_behind(either: Service) -> None:
    tasks = asyncio.all_tasks()
    either.kafka.answers = False
    stream = Stream(either)
    stream.give(message(1), message(2))
    await until(lambda: either.application.admission.messages == 2)
    stream.leave()
    either.kafka.answer_now()
    await stream.ended()
    assert idle(either)
    await until(lambda: either.producer.in_flight == 0)
    left = asyncio.all_tasks() - tasks - {stream.task}
    assert not [task for task in left if "ndjson" in task.get_name()]


async def test_a_cancelled_stream_leaves_nothing_behind(service: Service) -> None:
    service.kafka.answers = False
    stream = Stream(service)
    stream.give(message(1))
    await until(lambda: service.application.admission.messages == 1)
    stream.task.cancel()
    await asyncio.wait({stream.task})
    assert idle(service)
    assert not [task for task in asyncio.all_tasks() if "ndjson" in task.get_name()]


async def test_listeners_are_told_once_of_a_whole_stream(service: Service) -> None:
    events: list[Any] = []
    for kind in (MessagesProducedSync, MessagesProducedAsync):
        service.monitor.subscribe(kind, events.append)
    await post(service, body(message(), message(topic="other"), {}))
    await post(service, body(message()), "?mode=async")
    assert [(type(event).__name__, event.messages, event.topics) for event in events] == [
        ("MessagesProducedSync", 2, 2),
        ("MessagesProducedAsync", 1, 1),
    ]


async def test_a_large_declared_length_is_no_fault_of_a_stream(make_service: MakeService) -> None:
    service = make_service(http_max_body_bytes=1000)
    assert len(lines(await post(service, body(*map(message, range(100)))))) == 100


async def test_many_lines_hold_no_more_than_few(service: Service) -> None:
    admission = service.application.admission
    most = 0

    async def many() -> AsyncIterator[bytes]:
        nonlocal most
        for start in range(0, 20_000, 500):
            most = max(most, admission.messages)
            yield body(*map(message, range(start, start + 500)))

    response = await service.http.post("/produce/batch", content=many(), headers=HEADERS)
    assert len(response.content.splitlines()) == 20_000
    assert most <= ndjson.MAX_PENDING
    assert idle(service)


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/x-ndjson; charset=UTF-8", 200),
        ('Application/X-NDJSON;charset="utf-8"', 200),
        ("application/x-ndjson; charset=latin-1", 415),
        ("application/x-ndjsons", 415),
    ],
)
async def test_lines_are_in_utf_8(either: Service, content_type: str, status: int) -> None:
    body = b'{"topic":"example","payload":1}'
    response = await either.http.post("/produce/batch", content=body, headers={"content-type": content_type})
    assert response.status_code == status
