"""Receipts, health, metrics and the API's own description."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import NamedTuple

import pytest
from jsonschema_rs import Draft202012Validator

from app.api.examples import EXAMPLES, LINES, RESULT_LINES
from app.api.problems import CODES, Refusal
from app.api.receipt_route import preferred_wait_s
from app.api.receipts import Receipts
from app.errors import ProduceError
from app.messages import OutgoingMessage
from tests.api.conftest import MakeService
from tests.api.service import Service, until


class Stated(NamedTuple):
    code: str
    detail: str
    since: datetime


BROKEN = Stated("group_failed", "group a cannot work", datetime(2026, 1, 5, 10, tzinfo=UTC))


async def test_an_unknown_receipt_is_404_and_says_who_may_have_it(service: Service) -> None:
    here = await service.http.get("/receipts/host:1:ab~0000")
    assert (here.status_code, here.json()["code"]) == (404, "unknown_receipt")
    assert "kept for 600 s" in here.json()["detail"]
    elsewhere = await service.http.get("/receipts/pod-7:1:cd~0000")
    assert "held by the instance pod-7:1:cd" in elsewhere.json()["detail"]
    assert (await service.http.get("/receipts/%00~%ff")).status_code == 404


async def test_prefer_wait_holds_the_answer_until_the_verdict(service: Service) -> None:
    service.kafka.answers = False
    accepted = (await service.produce("?mode=async", payload=1)).json()
    path = f"/receipts/{accepted['receipt_id']}"
    waiting = [asyncio.ensure_future(service.http.get(path, headers={"prefer": "wait=20"})) for _ in range(3)]
    await until(lambda: bool(service.kafka.unanswered))
    assert not any(call.done() for call in waiting)
    service.kafka.answer_now()
    for response in await asyncio.gather(*waiting):
        assert response.json()["status"] == "delivered"
        assert response.headers["preference-applied"] == "wait=20"
    settled = await service.http.get(path, headers={"prefer": "wait=20"})
    assert settled.json()["status"] == "delivered"


async def test_prefer_wait_ends_with_a_pending_receipt(service: Service) -> None:
    service.kafka.answers = False
    accepted = (await service.produce("?mode=async", payload=1)).json()
    for wait in ("0", "1"):
        response = await service.http.get(f"/receipts/{accepted['receipt_id']}", headers={"prefer": f"wait={wait}"})
        assert (response.status_code, response.json()["status"]) == (200, "pending")


@pytest.mark.parametrize(
    ("prefer", "wait_s"),
    [
        (b"wait=10", 10),
        (b'respond-async, Wait = "7"; foo=bar', 7),
        (b"wait=1000000", 30),
        (b"wait=0", 0),
        (b"", None),
        (b"wait", None),
        (b"wait=-1", None),
        (b"wait=1.5", None),
        (b"await=5", None),
        (b"wait=99999999999999999999", None),
    ],
)
def test_a_preference_that_is_not_understood_is_not_followed(prefer: bytes, wait_s: int | None) -> None:
    assert preferred_wait_s(prefer) == wait_s


async def test_a_failed_message_has_its_code_in_its_receipt(service: Service) -> None:
    accepted = (await service.produce("?mode=async", payload=1, partition=7)).json()
    await until(lambda: service.producer.in_flight == 0)
    receipt = (await service.http.get(f"/receipts/{accepted['receipt_id']}")).json()
    assert (receipt["status"], receipt["code"]) == ("failed", "unknown_partition")
    assert set(receipt) == {
        "receipt_id",
        "status",
        "topic",
        "partition",
        "offset",
        "code",
        "detail",
        "accepted_at",
        "settled_at",
    }
    assert receipt["settled_at"].endswith("Z")


async def test_the_oldest_settled_receipts_make_room(make_service: MakeService) -> None:
    service = make_service(http_receipts_max=2)
    ids = []
    for n in range(3):
        ids.append((await service.produce("?mode=async", payload=n)).json()["receipt_id"])
        await until(lambda: service.producer.in_flight == 0)
    assert [(await service.http.get(f"/receipts/{one}")).status_code for one in ids] == [404, 200, 200]
    assert service.receipts.counts() == {"pending": 0, "delivered": 2, "failed": 0, "unknown": 0}


async def test_with_all_receipts_pending_new_async_calls_are_refused(make_service: MakeService) -> None:
    service = make_service(http_receipts_max=1)
    service.kafka.answers = False
    assert (await service.produce("?mode=async", payload=1)).status_code == 202
    for response in (
        await service.produce("?mode=async", payload=1),
        await service.batch({"topic": "example", "payload": 1}, query="?mode=async"),
    ):
        assert (response.status_code, response.json()["code"]) == (503, "overloaded")


async def test_settled_receipts_are_forgotten_after_their_time(service: Service) -> None:
    receipts = Receipts("me", 10, ttl_s=0.0)
    receipt = receipts.new("example")
    handle = service.producer.accept(
        OutgoingMessage(topic="example", payload=b"1"), queued=True, on_settled=receipt.settle
    )
    receipts.keep(receipt)
    assert receipts.find(receipt.id) is receipt
    await handle.wait(5)
    with pytest.raises(Refusal):
        receipts.find(receipt.id)
    assert sum(receipts.counts().values()) == 0


async def test_a_receipt_settled_before_it_was_kept_counts_once(service: Service) -> None:
    receipts = Receipts("me", 10, ttl_s=60)
    receipt = receipts.new("example")
    handle = service.producer.accept(
        OutgoingMessage(topic="example", payload=b"1"), queued=True, on_settled=receipt.settle
    )
    await handle.wait(5)
    receipts.keep(receipt)
    assert receipts.counts() == {"pending": 0, "delivered": 1, "failed": 0, "unknown": 0}


async def test_live_is_told_with_kafka_away_and_not_beyond_repair(service: Service) -> None:
    service.kafka.reachable = False
    response = await service.http.get("/health/live")
    assert (response.status_code, response.json()) == (200, {"status": "live"})
    service.runtime.live = [BROKEN]
    response = await service.http.get("/health/live")
    assert response.status_code == 503
    assert response.json()["reasons"] == [
        {"code": "group_failed", "detail": "group a cannot work", "since": "2026-01-05T10:00:00.000Z"}
    ]


async def test_ready_lists_notes_and_every_reason_not_to_be(service: Service) -> None:
    service.runtime.noted = [Stated("topic_missing", "topic x does not exist yet", BROKEN.since)]
    response = await service.http.get("/health/ready")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ready",
        "notes": [{"code": "topic_missing", "detail": "topic x does not exist yet"}],
    }
    service.runtime.ready = [BROKEN]
    service.kafka.reachable = False
    service.kafka.unreachable_for_s = 5
    service.state.advance("quieting")
    response = await service.http.get("/health/ready")
    assert response.status_code == 503
    assert [reason["code"] for reason in response.json()["reasons"]] == [
        "draining",
        "broker_unreachable",
        "group_failed",
    ]
    assert all(reason["since"].endswith("Z") for reason in response.json()["reasons"])


async def test_a_service_that_has_not_asked_kafka_is_not_ready(service: Service) -> None:
    service.kafka.reachable = None
    assert (await service.http.get("/health/ready")).json()["reasons"][0]["code"] == "broker_unreachable"


async def test_metrics_count_requests_by_template_and_messages_by_outcome(either: Service) -> None:
    await either.produce(payload=1)
    await either.produce(topic="missing", payload=1)
    await either.http.get("/receipts/some")
    for n in range(5):
        await either.http.get(f"/nothing/{n}")
    await either.http.request("BREW", "/nothing")
    text = (await either.http.get("/metrics")).text
    for line in (
        'demijohn_http_requests_total{method="POST",route="/produce",status="200"} 1.0',
        'demijohn_http_requests_total{method="POST",route="/produce",status="404"} 1.0',
        'demijohn_http_requests_total{method="GET",route="/receipts/{id}",status="404"} 1.0',
        'demijohn_http_requests_total{method="GET",route="(none)",status="404"} 5.0',
        'demijohn_http_requests_total{method="other",route="(none)",status="404"} 1.0',
        'demijohn_produce_messages_total{code="",outcome="delivered"} 1.0',
        'demijohn_produce_messages_total{code="unknown_topic",outcome="failed"} 1.0',
        "demijohn_produce_delivery_seconds_count 2.0",
        "demijohn_produce_in_flight 0.0",
        "demijohn_produce_queue_ratio 0.0",
        'demijohn_receipts{status="pending"} 0.0',
    ):
        assert line in text.splitlines(), line
    assert "process_resident_memory_bytes" in text


async def test_metrics_are_open_metrics_where_that_is_asked_for(service: Service) -> None:
    accept = {"accept": "application/openmetrics-text; version=1.0.0"}
    response = await service.http.get("/metrics", headers=accept)
    assert response.headers["content-type"].startswith("application/openmetrics-text")
    assert response.text.endswith("# EOF\n")


async def test_the_openapi_document_describes_every_route(service: Service) -> None:
    document = (await service.http.get("/openapi.json")).json()
    assert set(document["paths"]) == {
        "/produce",
        "/produce/batch",
        "/produce/{topic}",
        "/topics",
        "/topics/{topic}",
        "/topics/{topic}/partitions",
        "/topics/{topic}/partitions/{partition}",
        "/topics/{topic}/partitions/{partition}/offsets",
        "/brokers",
        "/asyncapi.json",
        "/receipts/{id}",
        "/health/live",
        "/health/ready",
        "/metrics",
        "/dashboard",
    }
    produce = document["paths"]["/produce"]["post"]
    assert {parameter["name"] for parameter in produce["parameters"]} == {"mode", "timeout", "Idempotency-Key"}
    assert set(produce["responses"]) >= {"200", "202", "400", "403", "404", "413", "415", "422", "503", "504"}
    references = {
        part.partition('"')[0]
        for part in (await service.http.get("/openapi.json")).text.split("#/components/schemas/")[1:]
    }
    assert references <= set(document["components"]["schemas"])
    assert "HTTPValidationError" not in document["components"]["schemas"]


@pytest.mark.parametrize("name", list(EXAMPLES))
async def test_every_example_fits_its_schema(service: Service, name: str) -> None:
    document = (await service.http.get("/openapi.json")).json()
    validator = Draft202012Validator({"components": document["components"], "$ref": f"#/components/schemas/{name}"})
    for example in EXAMPLES[name].values():
        validator.validate(example)
    assert "examples" in (await service.http.get("/openapi.json")).text


async def test_examples_of_messages_are_taken(service: Service) -> None:
    for example in EXAMPLES["Message"].values():
        assert (await service.http.post("/produce", json=example)).status_code == 200
    assert (await service.http.post("/produce/batch", json=EXAMPLES["Batch"]["two topics"])).status_code == 200
    headers = {"content-type": "application/x-ndjson"}
    lines = (await service.http.post("/produce/batch", content=LINES, headers=headers)).text.splitlines()
    assert len(lines) == len(RESULT_LINES.splitlines())
    assert json.loads(lines[0]).keys() == json.loads(RESULT_LINES.splitlines()[0]).keys()


def all_codes(error: type[ProduceError]) -> set[str]:
    return {error.code}.union(*(all_codes(child) for child in error.__subclasses__()))


def test_every_error_of_the_producer_has_an_answer() -> None:
    assert all_codes(ProduceError) - set(CODES) == {"produce_failed"}


async def test_every_code_is_on_the_documentation_page(service: Service) -> None:
    page = (await service.http.get("/docs")).text
    assert all(f'id="{code}"' in page for code in CODES)
