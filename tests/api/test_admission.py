"""Every protection holds in the fast lane and on the ordinary routes alike."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from app.api.cross_site import is_loopback, names_loopback
from app.events import ErrorOccurred, RequestRefused
from tests.api.conftest import MakeService
from tests.api.service import Service, until

MESSAGE = {"topic": "example", "payload": 1}


async def test_a_request_id_is_echoed_or_made(either: Service) -> None:
    given = await either.http.post("/produce", json=MESSAGE, headers={"x-request-id": "abc 1"})
    assert given.headers["x-request-id"] == "abc 1"
    for bad in ("a" * 129, " ", "\x7f", "\xe9"):
        made = await either.http.post("/produce", json=MESSAGE, headers={b"x-request-id": bad.encode("latin-1")})
        assert made.headers["x-request-id"] not in ("", bad)
    ids = {(await either.http.get(path)).headers["x-request-id"] for path in ("/dashboard", "/health/live", "/nothing")}
    assert len(ids) == 3


async def test_a_problem_names_its_request(either: Service) -> None:
    response = await either.http.post("/produce", json={}, headers={"x-request-id": "mine"})
    assert response.json()["request_id"] == "mine"
    assert response.json()["type"] == "/docs#invalid_message"
    assert set(response.json()) == {"type", "title", "status", "detail", "code", "retriable", "request_id", "errors"}


@pytest.mark.parametrize("host", ["evil.example", "evil.example:3000", "127.0.0.1.evil.example", "127.0.0.1,evil", ""])
@pytest.mark.parametrize(("method", "path"), [("POST", "/produce"), ("GET", "/dashboard"), ("GET", "/health/ready")])
async def test_bound_to_loopback_only_loopback_names_are_answered(
    either: Service, host: str, method: str, path: str
) -> None:
    response = await either.http.request(method, path, json=MESSAGE, headers={"host": host})
    assert response.status_code == 403
    assert response.json()["code"] == "forbidden"


async def test_bound_to_all_addresses_any_name_is_answered(make_service: MakeService) -> None:
    service = make_service(http_host="0.0.0.0")
    response = await service.http.post("/produce", json=MESSAGE, headers={"host": "orders.example"})
    assert response.status_code == 200


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:3000", "127.0.0.1", "127.9.9.9:80", "[::1]:3000", "localhost."]
)
def test_loopback_has_many_names(host: str) -> None:
    assert names_loopback(host.encode())


def test_hosts_to_listen_on_are_told_apart() -> None:
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "::", "example.org")] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:3000", 200),
        ("https://127.0.0.1:3000", 200),
        ("http://127.0.0.1", 403),
        ("http://evil.example", 403),
        ("null", 403),
        ("", 403),
        ("file://", 403),
        ("http://127.0.0.1:3000.evil.example", 403),
        ("http://127.0.0.1:3000@evil.example", 403),
    ],
)
async def test_pages_of_other_origins_may_not_write(either: Service, origin: str, status: int) -> None:
    response = await either.http.post("/produce", json=MESSAGE, headers={"origin": origin})
    assert response.status_code == status
    assert (await either.http.get("/dashboard", headers={"origin": origin})).status_code == 200


async def test_any_route_that_writes_refuses_foreign_origins(service: Service) -> None:
    async def write() -> dict[str, str]:
        return {"written": "yes"}

    service.application.add_api_route("/write", write, methods=["PUT"])
    assert (await service.http.put("/write")).status_code == 200
    assert (await service.http.put("/write", headers={"origin": "http://evil.example"})).status_code == 403


async def test_draining_is_told_and_the_connection_closed(either: Service) -> None:
    either.kafka.answers = False
    before = asyncio.create_task(either.produce(payload="in flight"))
    await until(lambda: bool(either.kafka.unanswered))
    either.application.admission.refuse_new_calls()
    for path in ("/produce", "/produce/batch", "/produce?mode=async"):
        response = await either.http.post(path, json=MESSAGE)
        assert response.status_code == 503
        assert response.json()["code"] == "draining"
        assert response.headers["connection"] == "close"
        assert response.headers["retry-after"]
    assert (await either.http.get("/dashboard")).status_code == 200
    either.kafka.answer_now()
    assert (await before).status_code == 200


async def test_a_stopping_service_refuses_by_itself(either: Service) -> None:
    either.state.advance("stopping")
    assert (await either.produce(payload=1)).json()["code"] == "draining"


async def test_a_closed_producer_is_told_as_draining(either: Service) -> None:
    await either.producer.close(0.1)
    for path in ("/produce", "/produce?mode=async"):
        assert (await either.http.post(path, json=MESSAGE)).json()["code"] == "draining"


async def test_messages_in_flight_are_bounded(make_service: MakeService) -> None:
    service = make_service(http_max_in_flight=2)
    service.kafka.answers = False
    refused: list[RequestRefused] = []
    service.monitor.subscribe(RequestRefused, refused.append)
    waiting = [asyncio.create_task(service.produce(payload=n)) for n in range(2)]
    await until(lambda: service.application.admission.messages == 2)
    started = time.monotonic()
    response = await service.produce(payload=3)
    assert time.monotonic() - started < 0.5
    assert response.status_code == 503
    assert response.json()["code"] == "overloaded"
    assert [event.code for event in refused] == ["overloaded"]
    service.kafka.answer_now()
    assert [(await task).status_code for task in waiting] == [200, 200]
    assert service.application.admission.messages == 0
    assert (await service.produce(payload=4)).status_code == 200


async def test_a_batch_counts_as_its_messages(make_service: MakeService) -> None:
    service = make_service(http_max_in_flight=3)
    service.kafka.answers = False
    waiting = asyncio.create_task(service.batch(MESSAGE, MESSAGE))
    await until(lambda: service.application.admission.messages == 2)
    assert (await service.batch(MESSAGE, MESSAGE)).json()["code"] == "overloaded"
    service.kafka.answer_now()
    assert (await waiting).status_code == 200
    assert (await service.batch(*[MESSAGE] * 5)).status_code == 200


async def test_queued_messages_do_not_count_as_in_flight(make_service: MakeService) -> None:
    service = make_service(http_max_in_flight=1)
    service.kafka.answers = False
    for _ in range(3):
        assert (await service.produce("?mode=async", payload=1)).status_code == 202


async def test_queued_messages_are_taken_on_while_sync_calls_are_at_their_limit(make_service: MakeService) -> None:
    service = make_service(http_max_in_flight=1)
    service.kafka.answers = False
    waiting = asyncio.create_task(service.produce(payload=1))
    await until(lambda: service.application.admission.messages == 1)
    assert (await service.produce("?mode=async", payload=2)).status_code == 202
    service.kafka.answer_now()
    assert (await waiting).status_code == 200


async def test_bytes_in_flight_are_bounded(make_service: MakeService) -> None:
    service = make_service(http_max_in_flight_bytes=1000)
    service.kafka.answers = False
    waiting = asyncio.create_task(service.produce(payload="x" * 600))
    await until(lambda: service.application.admission.messages == 1)
    response = await service.produce(payload="x" * 600)
    assert response.json()["code"] == "overloaded"
    service.kafka.answer_now()
    assert (await waiting).status_code == 200
    assert service.application.admission.size_bytes == 0


async def chunks(size: int, count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b" " * size


async def test_a_body_above_the_limit_is_refused_before_it_is_read(either: Service) -> None:
    size = either.settings.http_max_body_bytes + 1
    response = await either.http.post("/produce", content=chunks(1, 1), headers={"content-length": str(size)})
    assert response.status_code == 413
    assert response.json()["code"] == "body_too_large"


@pytest.mark.parametrize("fast_lane", [True, False])
async def test_a_body_that_grows_above_the_limit_is_refused(make_service: MakeService, fast_lane: bool) -> None:
    service = make_service(fast_lane=fast_lane, http_max_body_bytes=1000)
    response = await service.http.post("/produce", content=chunks(300, 100))
    assert response.status_code == 413
    assert service.application.admission.size_bytes == 0


@pytest.mark.parametrize("fast_lane", [True, False])
async def test_a_body_that_stalls_is_a_timeout(make_service: MakeService, fast_lane: bool) -> None:
    service = make_service(fast_lane=fast_lane, http_body_timeout_s=0.05)

    async def stalling() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    response = await service.http.post("/produce", content=stalling())
    assert response.status_code == 408
    assert response.json()["code"] == "request_timeout"
    assert response.json()["retriable"] is True
    assert service.application.admission.size_bytes == 0


@pytest.mark.parametrize("fast_lane", [True, False])
async def test_a_client_that_goes_leaves_nothing_behind(make_service: MakeService, fast_lane: bool) -> None:
    service = make_service(fast_lane=fast_lane)
    first: dict[str, object] = {"type": "http.request", "body": b"{", "more_body": True}
    gone: dict[str, object] = {"type": "http.disconnect"}
    messages = iter([first, gone])

    async def receive() -> dict[str, object]:
        return next(messages)

    async def send(message: object) -> None:
        raise AssertionError("nobody is there")

    scope = {"type": "http", "method": "POST", "path": "/produce", "headers": [], "query_string": b""}
    await service.application(scope | {"root_path": "", "scheme": "http"}, receive, send)
    assert service.application.admission.size_bytes == 0
    assert 'status="499"' in (await service.http.get("/metrics")).text


async def test_a_cancelled_request_leaves_the_delivery_and_the_counters_in_order(either: Service) -> None:
    either.kafka.answers = False
    request = asyncio.create_task(either.produce(payload=1))
    await until(lambda: bool(either.kafka.unanswered))
    request.cancel()
    await asyncio.wait({request})
    assert either.application.admission.messages == 0
    either.kafka.answer_now()
    await until(lambda: either.producer.in_flight == 0)
    document = either.snapshot.document()["produce"]
    assert (document["accepted"], document["delivered"]) == (1, 1)


async def test_a_mistake_of_ours_is_a_problem_and_an_event(service: Service) -> None:
    async def broken() -> None:
        raise RuntimeError("our mistake")

    service.application.add_api_route("/broken", broken, methods=["GET"])
    errors: list[ErrorOccurred] = []
    service.monitor.subscribe(ErrorOccurred, errors.append)
    response = await service.http.get("/broken")
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert "our mistake" not in response.text
    assert [str(event.error) for event in errors] == ["our mistake"]


async def test_paths_and_methods_come_before_everything_else(either: Service) -> None:
    headers = {"host": "evil.example", "origin": "http://evil.example"}
    missing = await either.http.post("/nothing", headers=headers)
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    wrong = await either.http.put("/produce", headers=headers)
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    assert wrong.headers["allow"] == "POST"
    for method in ("POST", "DELETE", "OPTIONS"):
        response = await either.http.request(method, "/dashboard")
        assert response.status_code == 405
        assert response.headers["allow"] == "GET, HEAD"


async def test_head_is_get_without_a_body(service: Service) -> None:
    response = await service.http.head("/health/live")
    assert (response.status_code, response.content) == (200, b"")
    assert int(response.headers["content-length"]) > 0


@pytest.mark.parametrize(
    ("headers", "stored"),
    [
        ({"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}, {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}),
        (
            {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "tracestate": "x=1,y@z=2"},
            {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "tracestate": "x=1,y@z=2"},
        ),
        (
            {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "tracestate": "X=1"},
            {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"},
        ),
        ({"traceparent": f"01-{'a' * 32}-{'b' * 16}-01-more"}, {"traceparent": f"01-{'a' * 32}-{'b' * 16}-01-more"}),
        ({"traceparent": f"00-{'a' * 32}-{'b' * 16}-01-more", "tracestate": "x=1"}, {}),
        ({"traceparent": f"00-{'0' * 32}-{'b' * 16}-01", "tracestate": "x=1"}, {}),
        ({"traceparent": f"00-{'a' * 32}-{'0' * 16}-01"}, {}),
        ({"traceparent": f"ff-{'a' * 32}-{'b' * 16}-01"}, {}),
        ({"traceparent": "00-xyz"}, {}),
        ({"tracestate": "x=1"}, {}),
        ({}, {}),
    ],
)
async def test_a_valid_trace_goes_into_the_records_headers(
    either: Service, headers: dict[str, str], stored: dict[str, str]
) -> None:
    await either.http.post("/produce", json={**MESSAGE, "headers": {"own": "1"}}, headers=headers)
    await either.http.post("/produce/batch", json={"messages": [MESSAGE]}, headers=headers)
    single, batched = sorted(either.kafka.records("example"), key=lambda record: -len(record.headers))
    wanted = [(name, value.encode()) for name, value in stored.items()]
    assert list(single.headers) == [("own", b"1"), *wanted]
    assert list(batched.headers) == wanted


async def test_a_message_with_a_trace_of_its_own_keeps_it(either: Service) -> None:
    trace = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "tracestate": "x=1"}
    await either.http.post("/produce", json={**MESSAGE, "headers": {"Traceparent": "own"}}, headers=trace)
    assert list(either.kafka.records("example")[0].headers) == [("Traceparent", b"own")]


PRODUCING = ("/produce", "/produce/batch", "/produce/example", "/topics/example", "/topics/example/partitions/0")
READS = (
    *("/dashboard", "/docs", "/openapi.json", "/asyncapi.json", "/metrics", "/health/live", "/health/ready", "/topics"),
    *("/receipts/x", "/nothing", "/produce", "/", "/dashboard/page.css"),
)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", READS)
async def test_no_answer_to_a_read_is_guessed_at_or_stored(service: Service, method: str, path: str) -> None:
    response = await service.http.request(method, path)
    assert response.headers.get_list("x-content-type-options") == ["nosniff"]
    cached = "max-age=300" if path.endswith(".css") else "no-store"
    assert response.headers.get_list("cache-control") == [cached]


@pytest.mark.parametrize("path", [*PRODUCING, "/nothing", "/dashboard"])
@pytest.mark.parametrize("body", [b"{", b'{"topic":"example","payload":1}', b'{"records":[{"value":1}]}'])
async def test_no_answer_to_a_write_is_guessed_at(either: Service, path: str, body: bytes) -> None:
    for headers in ({}, {"content-type": "application/x-ndjson"}, {"origin": "https://evil.example"}):
        response = await either.http.post(path, content=body, headers=headers)
        assert response.headers.get_list("x-content-type-options") == ["nosniff"]


async def test_both_lanes_answer_alike(make_service: MakeService) -> None:
    fast, ordinary = make_service(fast_lane=True), make_service(fast_lane=False)
    bodies: list[object] = [MESSAGE, {}, [], {**MESSAGE, "topic": "missing"}, {**MESSAGE, "partition": 9}]
    for body in bodies:
        answers = []
        for service in (fast, ordinary):
            response = await service.http.post(
                "/produce",
                content=json.dumps(body),
                headers={"x-request-id": "same", "content-type": "application/json"},
            )
            answers.append((response.status_code, _steady(response), sorted(response.headers)))
        assert answers[0] == answers[1]


def _steady(response: httpx.Response) -> dict[str, object]:
    changing = ("latency_ms", "timestamp", "partition", "offset")
    return {name: value for name, value in response.json().items() if name not in changing}
