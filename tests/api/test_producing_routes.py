"""Each protection holds on every route that produces: keys, topics, rates, schemas, limits."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.api.problems import Refusal
from app.api.raw_query import read_raw_query
from app.settings import Settings
from tests.api.conftest import MakeService
from tests.api.key_files import KeyFile
from tests.api.service import Service

ROUTES = ("/produce", "/produce/batch", "lines", "/produce/{topic}", "/topics/{topic}", "/topics/{topic}/partitions/0")
"""`lines` stands for a stream on /produce/batch."""


async def send(
    service: Service, route: str, payload: Any, topic: str = "example", headers: Mapping[str, str] | None = None
) -> httpx.Response:
    """One message by one of the routes, which may have a query."""
    message = {"topic": topic, "payload": payload}
    bodies: dict[str, tuple[Any, str]] = {
        "/produce": (message, "application/json"),
        "/produce/batch": ({"messages": [message]}, "application/json"),
        "lines": (message, "application/x-ndjson"),
        "/produce/{topic}": (payload, "application/json"),
    }
    name, _, query = route.partition("?")
    body, content_type = bodies.get(name, ({"records": [{"value": payload}]}, "application/json"))
    path = "/produce/batch" if name == "lines" else name.replace("{topic}", topic)
    given = {"content-type": content_type, **(headers or {})}
    return await service.http.post(f"{path}?{query}", content=json.dumps(body).encode(), headers=given)


def told(response: httpx.Response) -> str:
    """Every code in an answer, whatever its shape."""
    return response.text


@pytest.mark.parametrize("route", ROUTES)
async def test_a_message_is_stored_by_each(either: Service, route: str) -> None:
    response = await send(either, route, {"n": 1})
    assert response.status_code == 200, response.text
    (record,) = either.kafka.records("example")
    assert json.loads(record.value or b"") == {"n": 1}
    assert either.application.admission.messages == either.application.admission.size_bytes == 0


@pytest.mark.parametrize("route", ROUTES)
async def test_without_a_key_there_is_no_entry(make_either: MakeService, key_file: KeyFile, route: str) -> None:
    key_file.write({"sender": {}, "reader": {"roles": ["read"]}})
    service = make_either(http_api_keys_file=str(key_file.path))
    assert (await send(service, route, 1)).status_code == 401
    assert (await send(service, route, 1, headers=key_file.bearer("reader"))).status_code == 403
    assert (await send(service, route, 1, headers=key_file.bearer("sender"))).status_code == 200


@pytest.mark.parametrize("route", ROUTES)
async def test_a_key_reaches_its_topics_only(make_either: MakeService, key_file: KeyFile, route: str) -> None:
    key_file.write({"sender": {"topics": ["oth*"]}})
    service = make_either(http_api_keys_file=str(key_file.path))
    response = await send(service, route, 1, headers=key_file.bearer("sender"))
    assert "may not produce to example" in told(response)
    assert service.kafka.records("example") == []
    assert (await send(service, route, 1, topic="other", headers=key_file.bearer("sender"))).status_code == 200


@pytest.mark.parametrize("route", ROUTES)
async def test_topics_that_are_not_allowed_are_refused(make_either: MakeService, route: str) -> None:
    service = make_either(http_topics="oth*")
    assert "HTTP_TOPICS" in told(await send(service, route, 1))
    assert service.kafka.records("example") == []


@pytest.mark.parametrize("route", ROUTES)
async def test_a_rate_counts_messages(make_either: MakeService, key_file: KeyFile, route: str) -> None:
    key_file.write({"sender": {"rate": "1/h"}})
    service = make_either(http_api_keys_file=str(key_file.path))
    first = await send(service, route, 1, headers=key_file.bearer("sender"))
    assert (first.status_code, first.headers["ratelimit-remaining"]) == (200, "0")
    second = await send(service, route, 1, headers=key_file.bearer("sender"))
    assert second.status_code == 429
    assert second.headers["retry-after"]


async def test_each_line_of_a_stream_counts(make_either: MakeService, key_file: KeyFile) -> None:
    key_file.write({"sender": {"rate": "2/h"}})
    service = make_either(http_api_keys_file=str(key_file.path))
    line = json.dumps({"topic": "example", "payload": 1}).encode() + b"\n"
    headers = {"content-type": "application/x-ndjson", **key_file.bearer("sender")}
    response = await service.http.post("/produce/batch", content=line * 3, headers=headers)
    results = [json.loads(text) for text in response.content.splitlines()]
    assert [result.get("code") for result in results] == [None, None, "rate_limited"]
    assert results[2]["retriable"] is True


@pytest.mark.parametrize("route", ROUTES)
async def test_payloads_are_held_against_their_schema(make_either: MakeService, tmp_path: Path, route: str) -> None:
    (tmp_path / "example.json").write_text('{"type": "object"}')
    service = make_either(http_schemas_dir=str(tmp_path))
    assert "schema of topic example" in told(await send(service, route, 1))
    assert service.kafka.records("example") == []
    assert (await send(service, route, {})).status_code == 200
    assert len(service.kafka.records("example")) == 1


@pytest.mark.parametrize("route", ROUTES)
async def test_a_stopping_service_takes_no_more(either: Service, route: str) -> None:
    either.application.admission.refuse_new_calls()
    response = await send(either, route, 1)
    assert (response.status_code, response.headers["connection"]) == (503, "close")


@pytest.mark.parametrize("route", ROUTES)
async def test_pages_of_other_origins_may_not_write(either: Service, route: str) -> None:
    assert (await send(either, route, 1, headers={"origin": "https://evil.example"})).status_code == 403


async def test_an_idempotency_key_is_valid_for_its_api_key(make_either: MakeService, key_file: KeyFile) -> None:
    key_file.write({"one": {}, "two": {}})
    service = make_either(http_api_keys_file=str(key_file.path))
    for name, replayed in (("one", False), ("two", False), ("one", True)):
        response = await send(service, "/produce", 1, headers={"idempotency-key": "k", **key_file.bearer(name)})
        assert ("idempotency-replayed" in response.headers) is replayed
    assert len(service.kafka.records("example")) == 2


def bodies() -> st.SearchStrategy[bytes]:
    """Bytes of any kind, and JSON that is nearly right."""
    names = st.sampled_from(["records", "key", "value", "headers", "partition", "timestamp", "topic", "payload"])
    leaves = st.none() | st.booleans() | st.integers(-1, 2**64) | st.floats() | st.text(max_size=5)
    values = st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner), max_leaves=8
    )
    records = st.lists(values, max_size=3).map(lambda listed: {"records": listed})
    return st.binary(max_size=60) | (values | records).map(lambda value: json.dumps(value).encode())


async def test_no_body_whatever_is_answered_with_a_mistake(service: Service) -> None:
    @settings(max_examples=200)
    @given(bodies())
    def collect(body: bytes) -> None:
        collected.append(body)

    collected: list[bytes] = []
    collect()
    for body in collected:
        for path in ("/topics/example", "/topics/example/partitions/0", "/produce/example"):
            for content_type in ("application/json", "application/vnd.kafka.binary.v2+json"):
                response = await service.http.post(path, content=body, headers={"content-type": content_type})
                assert response.status_code in (200, 400, 422), (body, response.text)
        headers = {"content-type": "application/x-ndjson"}
        assert (await service.http.post("/produce/batch", content=body, headers=headers)).status_code == 200


@settings(max_examples=300)
@given(
    st.binary(max_size=40)
    | st.dictionaries(
        st.sampled_from(["key", "partition", "timestamp", "label", "timeout", "mode", "tombstone"]), st.text()
    )
    .map(urlencode)
    .map(str.encode)
)
def test_no_query_whatever_is_a_mistake_of_ours(query: bytes) -> None:
    with contextlib.suppress(Refusal):
        read_raw_query(query, Settings(_env_file=None))  # type: ignore[call-arg]  # pydantic-settings adds it
