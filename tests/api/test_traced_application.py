"""Spans of calls, from the request to the record."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from opentelemetry.trace import SpanKind

from app.api.application import Application
from tests.api.service import Service
from tests.observing.tracing.conftest import spans as spans
from tests.observing.tracing.spans import PARENT, SPAN, TRACE, Spans, attributes_of, ids_of, parent_of


@pytest.fixture(params=[True, False], ids=["fast lane", "router"])
async def service(request: pytest.FixtureRequest, spans: Spans) -> AsyncIterator[Service]:
    made = Service(fast_lane=request.param, traced_by=spans.provider)
    yield made
    await made.close()


def sent(service: Service, topic: str = "example") -> list[tuple[str, str]]:
    """(trace id, span id) that each stored record names."""
    headers = [dict(record.headers)["traceparent"] for record in service.kafka.records(topic)]
    return [(value.split(b"-")[1].decode(), value.split(b"-")[2].decode()) for value in headers if value is not None]


async def test_a_call_goes_on_with_its_callers_trace(service: Service, spans: Spans) -> None:
    answer = await service.http.post(
        "/produce", json={"topic": "example", "payload": 1}, headers={"traceparent": PARENT, "tracestate": "a=1"}
    )
    assert answer.status_code == 200
    server, send = spans.one("POST /produce"), spans.one("send example")
    assert (server.kind, ids_of(server)[0], parent_of(server)) == (SpanKind.SERVER, TRACE, SPAN)
    assert parent_of(send) == ids_of(server)[1]
    assert sent(service) == [ids_of(send)]
    assert dict(service.kafka.records("example")[0].headers)["tracestate"] == b"a=1"
    assert attributes_of(server)["http.response.status_code"] == 200


async def test_a_call_without_a_trace_gets_one(service: Service, spans: Spans) -> None:
    for headers in ({}, {"traceparent": "nonsense", "tracestate": "a=1"}):
        await service.http.post("/produce/example", content=b"x", headers=headers)
    assert sorted(sent(service)) == sorted(ids_of(span) for span in spans.named("send example"))
    assert all(span.parent is None for span in spans.named("POST /produce/{topic}"))
    assert all("tracestate" not in dict(record.headers) for record in service.kafka.records("example"))


async def test_a_message_keeps_a_trace_of_its_own(service: Service, spans: Spans) -> None:
    await service.produce(payload=1, headers={"traceparent": PARENT})
    assert sent(service) == [(TRACE, SPAN)]


async def test_a_batch_has_one_span_for_each_topic(service: Service, spans: Spans) -> None:
    await service.batch(*({"topic": topic, "payload": 1} for topic in ("example", "other", "example")))
    send = spans.one("send example")
    assert attributes_of(send)["messaging.batch.message_count"] == 2
    assert sent(service) == [ids_of(send)] * 2
    assert parent_of(spans.one("send other")) == ids_of(spans.one("POST /produce/batch"))[1]


async def test_lines_of_a_stream_and_confluents_routes_are_traced(service: Service, spans: Spans) -> None:
    line = b'{"topic":"example","payload":1}\n'
    await service.http.post("/produce/batch", content=line, headers={"content-type": "application/x-ndjson"})
    await service.http.post(
        "/topics/other/partitions/0",
        content=b'{"records":[{"value":1}]}',
        headers={"content-type": "application/vnd.kafka.json.v2+json"},
    )
    assert parent_of(spans.one("send example")) == ids_of(spans.one("POST /produce/batch"))[1]
    confluent = spans.one("POST /topics/{topic}/partitions/{partition}")
    assert parent_of(spans.one("send other")) == ids_of(confluent)[1]


async def test_what_does_not_produce_has_no_span(service: Service, spans: Spans) -> None:
    for path in ("/health/live", "/metrics", "/nowhere"):
        await service.http.get(path)
    await service.http.post("/nowhere")
    assert spans.all == ()


async def test_a_refused_call_has_its_status(service: Service, spans: Spans) -> None:
    await service.produce_raw(b"{")
    assert attributes_of(spans.one("POST /produce"))["http.response.status_code"] == 400


async def test_below_an_ingress_the_route_is_found_too(spans: Spans) -> None:
    service = Service(traced_by=spans.provider, http_root_path="/events")
    for path in ("/events/produce", "/produce"):
        assert (await service.http.post(path, json={"topic": "example", "payload": 1})).status_code == 200
    assert [attributes_of(span)["url.path"] for span in spans.named("POST /produce")] == ["/events/produce", "/produce"]
    await service.close()


async def test_without_tracing_the_application_is_the_plain_one() -> None:
    made = Service()
    assert type(made.application) is Application
    await made.close()
