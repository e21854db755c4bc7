"""Every code that a caller can get: its status, its shape, whether to retry, and its headers; on both ways in."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from app.api.problems import CODES
from app.kafka.connection import InvalidRecord
from tests.api.conftest import MakeService
from tests.api.key_files import KeyFile
from tests.api.service import Service, until
from tests.api.test_producing_routes import ROUTES, send

MESSAGE = {"topic": "example", "payload": 1}
MEMBERS = {"type", "title", "status", "detail", "code", "retriable", "request_id", "errors"}
NOT_PROVOKED = {"atomic", "internal_error", "transaction_aborted", "invalid_action", "conflict"}
OF_THE_DASHBOARD = {"kafka_forbids", "kafka_refused", "masked_topic", "not_supported", "unreadable"}
"""Only inside a batch answer; never on purpose; only for a producer of one's own that transacts; only for
actions of the dashboard (tests/dashboard)."""


class Stage(NamedTuple):
    """What a scene may use. `schemas` is a directory in which the topic example must be a number."""

    make: MakeService
    keys: KeyFile
    schemas: Path

    def guarded(self) -> Service:
        """A service with a key that may produce to `other`, one message an hour, and one that may read."""
        self.keys.write({"sender": {"topics": ["other"], "rate": "1/h"}, "reader": {"roles": ["read"]}})
        return self.make(http_api_keys_file=str(self.keys.path))


Scene = Callable[[Stage], Awaitable[httpx.Response]]


async def post(service: Service, body: Any = MESSAGE, path: str = "/produce", **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await service.http.post(path, content=content, headers=named)


async def malformed_json(stage: Stage) -> httpx.Response:
    return await post(stage.make(), b"{")


async def invalid_parameter(stage: Stage) -> httpx.Response:
    return await post(stage.make(), path="/produce?verbose=1")


async def corrupt_encoding(stage: Stage) -> httpx.Response:
    return await post(stage.make(), gzip.compress(b"{}")[:-4], content_encoding="gzip")


async def invalid_idempotency_key(stage: Stage) -> httpx.Response:
    return await post(stage.make(), idempotency_key="a b")


async def unauthorized(stage: Stage) -> httpx.Response:
    return await post(stage.guarded())


async def forbidden(stage: Stage) -> httpx.Response:
    return await post(stage.guarded(), **stage.keys.bearer("reader"))


async def topic_forbidden(stage: Stage) -> httpx.Response:
    return await post(stage.guarded(), **stage.keys.bearer("sender"))


async def internal_topic(stage: Stage) -> httpx.Response:
    return await post(stage.make(), {**MESSAGE, "topic": "__consumer_offsets"})


async def not_found(stage: Stage) -> httpx.Response:
    return await post(stage.make(), path="/nothing")


async def unknown_topic(stage: Stage) -> httpx.Response:
    return await post(stage.make(), {**MESSAGE, "topic": "missing"})


async def unknown_receipt(stage: Stage) -> httpx.Response:
    return await stage.make().http.get("/receipts/x")


async def method_not_allowed(stage: Stage) -> httpx.Response:
    return await stage.make().http.put("/produce")


async def not_acceptable(stage: Stage) -> httpx.Response:
    return await stage.make().http.get("/dashboard", headers={"accept": "image/png"})


async def request_timeout(stage: Stage) -> httpx.Response:
    async def stalling() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    return await stage.make(http_body_timeout_s=0.05).http.post("/produce", content=stalling())


async def body_too_large(stage: Stage) -> httpx.Response:
    return await post(stage.make(http_max_body_bytes=10))


async def batch_too_large(stage: Stage) -> httpx.Response:
    return await post(stage.make(http_max_batch=1), {"messages": [MESSAGE] * 2}, "/produce/batch")


async def payload_too_large(stage: Stage) -> httpx.Response:
    return await post(stage.make(producer_max_payload_bytes=5), {**MESSAGE, "payload": "too long"})


async def record_too_large(stage: Stage) -> httpx.Response:
    service = stage.make()
    service.kafka.max_record_bytes = 100
    return await post(service, {**MESSAGE, "payload": "x" * 200})


async def unsupported_media_type(stage: Stage) -> httpx.Response:
    return await post(stage.make(), content_type="text/plain")


async def unsupported_encoding(stage: Stage) -> httpx.Response:
    return await post(stage.make(), content_encoding="br")


async def invalid_message(stage: Stage) -> httpx.Response:
    return await post(stage.make(), {"payload": 1})


async def idempotency_key_reused(stage: Stage) -> httpx.Response:
    service = stage.make()
    await post(service, idempotency_key="k")
    return await post(service, {**MESSAGE, "payload": 2}, idempotency_key="k")


async def unknown_partition(stage: Stage) -> httpx.Response:
    return await post(stage.make(), {**MESSAGE, "partition": 9})


async def schema_violation(stage: Stage) -> httpx.Response:
    return await post(stage.make(http_schemas_dir=str(stage.schemas)), {**MESSAGE, "payload": "text"})


async def refused_by_broker(stage: Stage) -> httpx.Response:
    service = stage.make()
    service.kafka.refuses = lambda _: InvalidRecord()
    return await post(service)


async def rate_limited(stage: Stage) -> httpx.Response:
    service = stage.make(http_rate_limit="1/h")
    await post(service)
    return await post(service)


async def broker_unavailable(stage: Stage) -> httpx.Response:
    service = stage.make()
    service.kafka.reachable = False
    service.kafka.unreachable_for_s = 5
    return await post(service)


async def queue_full(stage: Stage) -> httpx.Response:
    service = stage.make(producer_queue_messages=1, producer_queue_full_wait_s=0)
    service.kafka.answers = False
    await post(service, path="/produce?mode=async")
    return await post(service, path="/produce?mode=async")


async def overloaded(stage: Stage) -> httpx.Response:
    service = stage.make(http_max_in_flight=1)
    service.kafka.answers = False
    waiting = asyncio.create_task(post(service))
    await until(lambda: service.application.admission.messages == 1)
    response = await post(service)
    service.kafka.answer_now()
    assert (await waiting).status_code == 200
    return response


async def draining(stage: Stage) -> httpx.Response:
    service = stage.make()
    service.application.admission.refuse_new_calls()
    return await post(service)


async def delivery_unknown(stage: Stage) -> httpx.Response:
    service = stage.make()
    service.kafka.answers = False
    return await post(service, path="/produce?timeout=0.5")


SCENES: Mapping[str, Scene] = {
    scene.__name__: scene
    for scene in (
        malformed_json,
        invalid_parameter,
        corrupt_encoding,
        invalid_idempotency_key,
        unauthorized,
        forbidden,
        topic_forbidden,
        internal_topic,
        not_found,
        unknown_topic,
        unknown_receipt,
        method_not_allowed,
        not_acceptable,
        request_timeout,
        body_too_large,
        batch_too_large,
        payload_too_large,
        record_too_large,
        unsupported_media_type,
        unsupported_encoding,
        invalid_message,
        idempotency_key_reused,
        unknown_partition,
        schema_violation,
        refused_by_broker,
        rate_limited,
        broker_unavailable,
        queue_full,
        overloaded,
        draining,
        delivery_unknown,
    )
}
STATUS = {
    **dict.fromkeys(("malformed_json", "invalid_parameter", "corrupt_encoding", "invalid_idempotency_key"), 400),
    "unauthorized": 401,
    **dict.fromkeys(("forbidden", "topic_forbidden", "internal_topic"), 403),
    **dict.fromkeys(("not_found", "unknown_topic", "unknown_receipt"), 404),
    "method_not_allowed": 405,
    "not_acceptable": 406,
    "request_timeout": 408,
    **dict.fromkeys(("body_too_large", "batch_too_large", "payload_too_large", "record_too_large"), 413),
    **dict.fromkeys(("unsupported_media_type", "unsupported_encoding"), 415),
    **dict.fromkeys(("invalid_message", "idempotency_key_reused", "unknown_partition", "schema_violation"), 422),
    "refused_by_broker": 422,
    "rate_limited": 429,
    **dict.fromkeys(("broker_unavailable", "queue_full", "overloaded", "draining"), 503),
    "delivery_unknown": 504,
}
RETRIABLE = {"request_timeout", "rate_limited", "broker_unavailable", "queue_full", "overloaded", "draining"}
RETRIABLE |= {"delivery_unknown"}
HEADERS = {
    "unauthorized": {"www-authenticate"},
    "method_not_allowed": {"allow"},
    "rate_limited": {"retry-after", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"},
    "broker_unavailable": {"retry-after"},
    "queue_full": {"retry-after"},
    "overloaded": {"retry-after"},
    "draining": {"retry-after", "connection"},
    "request_timeout": {"connection"},
    "body_too_large": {"connection"},
}


def test_no_code_is_left_out() -> None:
    assert set(SCENES) == set(CODES) - NOT_PROVOKED - OF_THE_DASHBOARD
    assert set(STATUS) == set(SCENES)


@pytest.mark.parametrize("code", SCENES)
async def test_a_code_is_answered_as_the_table_says(
    make_either: MakeService, key_file: KeyFile, tmp_path: Path, code: str
) -> None:
    (tmp_path / "example.json").write_text('{"type":"number"}')
    response = await SCENES[code](Stage(make_either, key_file, tmp_path))
    document = response.json()
    assert (response.status_code, document["code"]) == (STATUS[code], code)
    assert response.headers["content-type"] == "application/problem+json"
    assert set(document) == MEMBERS | ({"duplicate_possible"} if code == "delivery_unknown" else set())
    assert document["status"] == response.status_code
    assert document["retriable"] == (code in RETRIABLE)
    assert document["type"] == f"/docs#{code}"
    assert document["request_id"] == response.headers["x-request-id"]
    assert document["detail"]
    assert document["title"]
    assert all(set(error) == {"path", "message"} for error in document["errors"])
    wanted = HEADERS.get(code, set())
    told = {"www-authenticate", "allow", "retry-after", "connection"} | {
        name for name in response.headers if name.startswith("ratelimit")
    }
    assert {name for name in told if name in response.headers} >= wanted
    if "retry-after" in wanted:
        assert int(response.headers["retry-after"]) >= 1


PLACES = {
    **dict.fromkeys(("unknown_topic", "topic_forbidden", "internal_topic"), "topic"),
    "unknown_partition": "partition",
    "payload_too_large": "payload",
    "schema_violation": "payload",
}


@pytest.mark.parametrize("code", PLACES)
async def test_the_field_at_fault_is_named(
    make_either: MakeService, key_file: KeyFile, tmp_path: Path, code: str
) -> None:
    (tmp_path / "example.json").write_text('{"type":"number"}')
    response = await SCENES[code](Stage(make_either, key_file, tmp_path))
    assert [fault["path"] for fault in response.json()["errors"]] == [PLACES[code]]


async def test_a_delivery_that_is_not_known_may_be_a_duplicate(make_either: MakeService, key_file: KeyFile) -> None:
    response = await delivery_unknown(Stage(make_either, key_file, key_file.path))
    assert response.json()["duplicate_possible"] is True


ORDER: list[tuple[str, str, str, dict[str, str]]] = [
    ("not_found", "POST", "/nothing", {"host": "evil.example"}),
    ("method_not_allowed", "PUT", "/produce", {"origin": "https://evil.example"}),
    ("unauthorized", "POST", "/produce", {}),
    ("forbidden", "POST", "/produce", {"key": "reader"}),
    ("rate_limited", "POST", "/produce", {"key": "spent"}),
    ("draining", "POST", "/produce", {"key": "sender"}),
]
"""Each of these requests has every fault of the later ones too."""


@pytest.mark.parametrize(("code", "method", "path", "headers"), ORDER)
async def test_checks_come_in_their_order(
    make_either: MakeService, key_file: KeyFile, code: str, method: str, path: str, headers: dict[str, str]
) -> None:
    key_file.write({"sender": {}, "spent": {"rate": "1/h"}, "reader": {"roles": ["read"]}})
    service = make_either(http_api_keys_file=str(key_file.path), http_max_body_bytes=100)
    await post(service, **key_file.bearer("spent"))
    service.application.admission.refuse_new_calls()
    shown = key_file.bearer(headers["key"]) if "key" in headers else headers
    faulty = {"content-type": "text/plain", "content-encoding": "br", "idempotency-key": "a b", **shown}
    response = await service.http.request(method, f"{path}?x=1", content=b"{" * 200, headers=faulty)
    assert response.json()["code"] == code


async def test_of_a_body_its_size_comes_first_then_its_form_then_its_text(either: Service) -> None:
    too_much = {"content-length": str(either.settings.http_max_body_bytes + 1)}
    form, coding = {"content-type": "text/plain"}, {"content-encoding": "br"}
    for code, headers, query in (
        ("body_too_large", too_much | form, "?x=1"),
        ("unsupported_media_type", form | coding, "?x=1"),
        ("unsupported_encoding", coding, "?x=1"),
        ("invalid_parameter", {}, "?x=1"),
        ("malformed_json", {}, ""),
    ):

        async def body() -> AsyncIterator[bytes]:
            yield b"{"

        response = await either.http.post(f"/produce{query}", content=body(), headers=headers)
        assert response.json()["code"] == code


@pytest.mark.parametrize("route", ROUTES)
async def test_on_every_route_a_coding_that_is_not_known_comes_before_a_query_that_is_not_valid(
    either: Service, route: str
) -> None:
    response = await send(either, f"{route}?x=1", 1, headers={"content-encoding": "br"})
    assert response.status_code == 415
    assert response.headers["accept-encoding"] == "gzip, deflate, zstd"
