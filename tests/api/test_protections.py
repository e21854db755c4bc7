"""Each protection on each family of routes, on both ways in: the status, the code, and the shape of the family."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, NamedTuple

import httpx
import pytest

from tests.api.conftest import MakeService
from tests.api.key_files import KeyFile
from tests.api.service import Service, until
from tests.api.test_producing_routes import ROUTES, send

READS = ("/dashboard", "/metrics", "/openapi.json", "/docs", "/receipts/x", "/topics", "/topics/example")
CONFLUENT = ("/topics", "/brokers")
PROBLEM = {"type", "title", "status", "detail", "code", "retriable", "request_id", "errors"}
V2_JSON = "application/vnd.kafka.v2+json"


class Stage(NamedTuple):
    make: MakeService
    keys: KeyFile

    def guarded(self) -> Service:
        """A service with a key that may produce to `other`, one that has spent its rate, and one that may read."""
        self.keys.write(
            {"sender": {"topics": ["other"]}, "spent": {"rate": "1/h"}, "reader": {"roles": ["read"]}, "nobody": {}}
        )
        return self.make(http_api_keys_file=str(self.keys.path))


Call = tuple[Service, Mapping[str, str]]
Setting = Callable[[Stage], AbstractAsyncContextManager[Call]]


@asynccontextmanager
async def without_a_key(stage: Stage) -> AsyncIterator[Call]:
    yield stage.guarded(), {}


@asynccontextmanager
async def with_a_key_that_is_not_valid(stage: Stage) -> AsyncIterator[Call]:
    yield stage.guarded(), {"x-api-key": "sender.guessed"}


@asynccontextmanager
async def with_a_key_of_another_role(stage: Stage) -> AsyncIterator[Call]:
    yield stage.guarded(), stage.keys.bearer("reader")


@asynccontextmanager
async def with_a_key_for_another_topic(stage: Stage) -> AsyncIterator[Call]:
    yield stage.guarded(), stage.keys.bearer("sender")


@asynccontextmanager
async def beyond_the_rate(stage: Stage) -> AsyncIterator[Call]:
    service = stage.guarded()
    await send(service, "/produce", 1, headers=stage.keys.bearer("spent"))
    yield service, stage.keys.bearer("spent")


@asynccontextmanager
async def while_it_stops(stage: Stage) -> AsyncIterator[Call]:
    service = stage.make()
    service.application.admission.refuse_new_calls()
    yield service, {}


@asynccontextmanager
async def with_too_much_in_flight(stage: Stage) -> AsyncIterator[Call]:
    service = stage.make(http_max_in_flight=1)
    service.kafka.answers = False
    waiting = asyncio.create_task(send(service, "/produce", 1))
    await until(lambda: service.application.admission.messages == 1)
    yield service, {}
    service.kafka.answer_now()
    assert (await waiting).status_code == 200


@asynccontextmanager
async def with_a_body_that_is_too_large(stage: Stage) -> AsyncIterator[Call]:
    yield stage.make(http_max_body_bytes=4), {}


@asynccontextmanager
async def in_a_coding_that_is_not_known(stage: Stage) -> AsyncIterator[Call]:
    yield stage.make(), {"content-encoding": "br"}


@asynccontextmanager
async def from_a_page_of_another_origin(stage: Stage) -> AsyncIterator[Call]:
    yield stage.make(), {"origin": "https://evil.example"}


@asynccontextmanager
async def under_a_name_of_another_host(stage: Stage) -> AsyncIterator[Call]:
    yield stage.make(), {"host": "evil.example"}


class Told(NamedTuple):
    """What each family answers: `number` on the routes of Confluent, whose status is that of the others."""

    status: int
    code: str
    number: int


PRODUCING: Mapping[Setting, Told] = {
    without_a_key: Told(401, "unauthorized", 40101),
    with_a_key_that_is_not_valid: Told(401, "unauthorized", 40101),
    with_a_key_of_another_role: Told(403, "forbidden", 40301),
    with_a_key_for_another_topic: Told(403, "topic_forbidden", 40301),
    beyond_the_rate: Told(429, "rate_limited", 42901),
    while_it_stops: Told(503, "draining", 50302),
    with_too_much_in_flight: Told(503, "overloaded", 50302),
    with_a_body_that_is_too_large: Told(413, "body_too_large", 41301),
    in_a_coding_that_is_not_known: Told(415, "unsupported_encoding", 41501),
    from_a_page_of_another_origin: Told(403, "forbidden", 40301),
    under_a_name_of_another_host: Told(403, "forbidden", 40301),
}
READING: Mapping[Setting, Told] = {
    without_a_key: Told(401, "unauthorized", 40101),
    with_a_key_that_is_not_valid: Told(401, "unauthorized", 40101),
    under_a_name_of_another_host: Told(403, "forbidden", 40301),
}
PER_MESSAGE = {with_a_key_for_another_topic}
"""Faults of a message, not of its call: a batch answers 422 with a result for each, a stream with a line."""
PER_LINE = {*PER_MESSAGE, with_a_body_that_is_too_large}
HEADERS: Mapping[str, Mapping[str, str | None]] = {
    "unauthorized": {"www-authenticate": None},
    "rate_limited": {"retry-after": None, "ratelimit-limit": "1", "ratelimit-remaining": "0", "ratelimit-reset": None},
    "draining": {"retry-after": None, "connection": "close"},
    "overloaded": {"retry-after": None},
    "body_too_large": {"connection": "close"},
    "unsupported_encoding": {"accept-encoding": "gzip, deflate, zstd"},
}


def name(value: object) -> str:
    return getattr(value, "__name__", str(value))


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("setting", PRODUCING, ids=name)
async def test_a_message_is_kept_out(make_either: MakeService, key_file: KeyFile, setting: Setting, route: str) -> None:
    told = PRODUCING[setting]
    async with setting(Stage(make_either, key_file)) as (service, headers):
        before = len(service.kafka.records("example"))
        response = await send(service, route, "payload", headers=headers)
        if setting in PER_LINE and route == "lines":
            check_line(response, told)
        elif setting in PER_MESSAGE and route == "/produce/batch":
            check_batch(response, told)
        else:
            check(response, route, told)
        assert len(service.kafka.records("example")) == before


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize("setting", READING, ids=name)
async def test_a_reader_is_kept_out(make_either: MakeService, key_file: KeyFile, setting: Setting, path: str) -> None:
    async with setting(Stage(make_either, key_file)) as (service, headers):
        check(await service.http.get(path, headers=dict(headers)), path, READING[setting])


async def test_a_key_that_may_only_produce_reads_nothing_but_receipts(
    make_either: MakeService, key_file: KeyFile
) -> None:
    service = Stage(make_either, key_file).guarded()
    for path in READS:
        response = await service.http.get(path, headers=key_file.bearer("nobody"))
        if path == "/receipts/x":
            check(response, path, Told(404, "unknown_receipt", 0))
        else:
            check(response, path, Told(403, "forbidden", 40301))


async def test_what_concerns_producing_does_not_concern_reading(make_either: MakeService, key_file: KeyFile) -> None:
    stage = Stage(make_either, key_file)
    for setting in (while_it_stops, with_too_much_in_flight, from_a_page_of_another_origin):
        async with setting(stage) as (service, headers):
            assert (await service.http.get("/dashboard", headers=dict(headers))).status_code == 200


def check(response: httpx.Response, route: str, told: Told) -> None:
    document: dict[str, Any] = response.json()
    assert response.status_code == told.status, response.text
    if route.startswith(CONFLUENT):
        assert response.headers["content-type"] == V2_JSON
        assert set(document) == {"error_code", "message"}
        assert document["error_code"] == told.number
        assert document["message"]
    else:
        assert response.headers["content-type"] == "application/problem+json"
        assert set(document) == PROBLEM
        assert (document["status"], document["code"]) == (told.status, told.code)
        assert document["request_id"] == response.headers["x-request-id"]
    for header, value in HEADERS.get(told.code, {}).items():
        assert response.headers[header] == value if value else response.headers[header]


def check_line(response: httpx.Response, told: Told) -> None:
    assert (response.status_code, response.headers["content-type"]) == (200, "application/x-ndjson")
    (line,) = response.text.splitlines()
    result = json.loads(line)
    assert set(result) == {"status", "code", "detail", "retriable", "errors", "label"}
    assert (result["status"], result["code"]) == ("failed", told.code)


def check_batch(response: httpx.Response, told: Told) -> None:
    document = response.json()
    assert (response.status_code, response.headers["content-type"]) == (422, "application/problem+json")
    assert set(document) == PROBLEM | {"delivered", "failed", "unknown", "results"}
    assert (document["status"], document["code"]) == (422, told.code)
    (result,) = document["results"]
    assert (result["status"], result["code"]) == ("failed", told.code)
    assert [fault["path"] for fault in result["errors"]] == ["messages.0.topic"]
