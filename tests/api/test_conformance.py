"""The service does what its OpenAPI document says, whatever is sent; and no input whatever is its mistake."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.generation import GenerationMode

from tests.api.conftest import MakeService
from tests.api.service import ORIGIN, Service

CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = 40
KNOWN_TOPIC_EVERY = 2
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"]
PATHS = [
    "/",
    "/produce",
    "/produce/",
    "/produce/batch",
    "/produce/example",
    "/produce/%2e%2e",
    "/produce/%ff",
    "/produce/a/b",
    "/receipts/x",
    "/receipts/",
    "/health/live",
    "/health/ready",
    "/metrics",
    "/dashboard",
    "/docs",
    "/openapi.json",
    "/karafka/dashboard",
    "/nothing",
]
HEADERS = [
    "accept",
    "access-control-request-headers",
    "access-control-request-method",
    "authorization",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "idempotency-key",
    "kafka-header-x",
    "origin",
    "prefer",
    "traceparent",
    "tracestate",
    "x-api-key",
    "x-forwarded-for",
    "x-request-id",
]
VALUES = [
    *("application/json", "application/x-ndjson", "application/json; charset=latin1", "text/html;q=x, */*", "gzip"),
    *("deflate, zstd", "wait=5", "wait=-1", "5", "-1", "1" * 400, "Bearer", "Bearer a.b", "Basic !", "Basic eDp5"),
    *("http://[", "https://127.0.0.1:3000", "null", "[::1]", "POST", "a" * 5000, ",,;=,", '"', "%00", ""),
]
header_values = st.sampled_from(VALUES).map(str.encode) | st.binary(max_size=12).map(
    lambda raw: raw.translate(None, b"\r\n\0")
)
bodies = st.binary(max_size=40) | st.sampled_from(
    [b'{"topic":"example","payload":1}', b'{"messages":[{"topic":"example","payload":1}]}', b"\x1f\x8b\x08", b"{" * 600]
)


def with_known_topics(value: Any, numbers: Iterator[int]) -> Any:
    """`value`, with a topic that exists in every second message, as a topic made up hardly ever does."""
    if isinstance(value, list):
        return [with_known_topics(item, numbers) for item in value]
    if not isinstance(value, dict):
        return value
    changed = {name: with_known_topics(item, numbers) if name == "messages" else item for name, item in value.items()}
    if "topic" in changed and next(numbers) % KNOWN_TOPIC_EVERY:
        changed["topic"] = "example"
    return changed


def cases(operation: Any, mode: GenerationMode) -> list[Any]:
    """Requests made up for an operation, as the document has them or as it has them not."""
    found: list[Any] = []

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy(generation_mode=mode))
    def collect(case: Any) -> None:
        found.append(case)

    collect()
    return found


async def described() -> dict[str, Any]:
    service = Service()
    document = service.application.openapi()
    await service.close()
    return document


def operations() -> list[Any]:
    document = asyncio.run(described())
    found: Any = schemathesis.openapi.from_dict(document).get_all_operations()
    return [result.ok() for result in found]


ASKED = [
    pytest.param(operation, mode, id=f"{mode.value} {operation.label}")
    for operation in operations()
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or operation.body
]
"""What is made up wrongly needs a body that can be wrong."""


@pytest.mark.parametrize(("operation", "mode"), ASKED)
async def test_every_answer_is_as_the_document_says(either: Service, operation: Any, mode: GenerationMode) -> None:
    numbers = iter(range(10**9))
    for case in cases(operation, mode):
        case.body = with_known_topics(case.body, numbers)
        request = case.as_transport_kwargs(base_url=ORIGIN)
        request["headers"] = dict(request["headers"])
        if isinstance(request.get("data"), bytes | str):
            request["content"] = request.pop("data")
        cookies = request.pop("cookies", None)
        assert not cookies
        response = await either.http.request(**request)
        case.validate_response(response, checks=CHECKS)


async def test_no_request_whatever_is_a_mistake_of_the_service(either: Service) -> None:
    requests: list[tuple[str, str, dict[str, bytes], bytes]] = []

    @settings(max_examples=600, suppress_health_check=list(HealthCheck))
    @given(
        st.sampled_from(METHODS),
        st.sampled_from(PATHS),
        st.dictionaries(st.sampled_from(HEADERS), header_values, max_size=3),
        bodies,
    )
    def collect(method: str, path: str, headers: dict[str, bytes], body: bytes) -> None:
        requests.append((method, path, headers, body))

    collect()
    for method, path, headers, body in requests:
        raw = [(name.encode(), value) for name, value in headers.items()]
        response = await either.http.request(method, path, content=body, headers=raw)
        assert response.status_code < 500, (method, path, headers, body, response.text)
        assert response.headers["x-request-id"]


async def test_no_query_whatever_is_a_mistake_of_the_service(make_either: MakeService) -> None:
    service = make_either(http_cors_origins="https://shop.example", http_rate_limit="100000/s")
    names = [
        "mode",
        "timeout",
        "atomic",
        "key",
        "partition",
        "partition_key",
        "timestamp",
        "label",
        "tombstone",
        "x",
        "",
    ]
    values = [
        "sync",
        "async",
        "true",
        "1",
        "-1",
        "1e9",
        "nan",
        "inf",
        "9" * 400,
        "%ff",
        "%00",
        "",
        "2026-01-05T10:00:00Z",
    ]
    queries: list[str] = []

    @settings(max_examples=300)
    @given(st.lists(st.tuples(st.sampled_from(names), st.sampled_from(values)), max_size=4))
    def collect(pairs: list[tuple[str, str]]) -> None:
        queries.append("&".join(f"{name}={value}" for name, value in pairs))

    collect()
    for query in queries:
        for path in ("/produce", "/produce/batch", "/produce/example", "/receipts/x", "/dashboard"):
            method = "POST" if path.startswith("/produce") else "GET"
            response = await service.http.request(method, f"{path}?{query}", json={"topic": "example", "payload": 1})
            assert response.status_code < 500, (path, query, response.text)
