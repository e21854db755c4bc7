"""What answers of the service mean: stored, certainly not, or perhaps."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from app.verifying.service_calls import Mode, Service, ServiceRefused, Verdict

MESSAGE = {"topic": "t", "partition": 0, "payload": 1}
REPORT = {"topic": "t", "partition": 0, "offset": 7, "error": None}


def answering(*answers: httpx.Response | Exception) -> tuple[Service, list[httpx.Request]]:
    """A service that gives these answers, the last one again and again."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        found = answers[min(len(asked), len(answers) - 1)]
        asked.append(request)
        if isinstance(found, Exception):
            raise found
        return found

    return Service("http://service", "a.secret", httpx.MockTransport(answer)), asked


def problem(status: int, code: str) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "detail": "why"})


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (httpx.Response(200, json=REPORT), Verdict("delivered", 7)),
        (problem(504, "delivery_unknown"), Verdict("unknown")),
        (problem(500, "internal_error"), Verdict("unknown")),
        (problem(503, "broker_unavailable"), Verdict("failed")),
        (problem(503, "overloaded"), Verdict("failed")),
        (problem(422, "unknown_topic"), Verdict("failed")),
        (httpx.Response(502, text="<html>"), Verdict("unknown")),
        (httpx.Response(502, json={"message": "of a proxy"}), Verdict("unknown")),
        (httpx.ConnectError("nobody listens"), Verdict("failed")),
        (httpx.ReadError("broken off"), Verdict("unknown")),
        (httpx.ReadTimeout("no answer"), Verdict("unknown")),
    ],
)
async def test_a_single_answer(answer: httpx.Response | Exception, verdict: Verdict) -> None:
    service, asked = answering(answer)
    assert await service.send("sync", [MESSAGE]) == [verdict]
    assert (asked[0].url.path, json.loads(asked[0].content)) == ("/produce", MESSAGE)
    assert asked[0].headers["authorization"] == "Bearer a.secret"


async def test_a_receipt_is_waited_for() -> None:
    accepted = httpx.Response(202, json={"receipt_id": "r1", "status": "pending"})
    pending = httpx.Response(200, json={"status": "pending"})
    service, asked = answering(accepted, pending, httpx.Response(200, json={"status": "delivered", "offset": 3}))
    assert await service.send("async", [MESSAGE]) == [Verdict("delivered", 3)]
    assert [request.url.path for request in asked] == ["/produce", "/receipts/r1", "/receipts/r1"]
    gone, _ = answering(accepted, problem(404, "not_found"))
    assert await gone.send("async", [MESSAGE]) == [Verdict("unknown")]
    full, _ = answering(problem(503, "queue_full"))
    assert await full.send("async", [MESSAGE]) == [Verdict("failed")]


async def test_each_message_of_a_batch_has_its_own() -> None:
    results: list[dict[str, Any]] = [
        {"status": "delivered", "offset": 1},
        {"status": "failed", "code": "record_too_large"},
        {"status": "unknown"},
    ]
    service, asked = answering(httpx.Response(207, json={"results": results}))
    verdicts = [Verdict("delivered", 1), Verdict("failed"), Verdict("unknown")]
    assert await service.send("batch", [MESSAGE] * 3) == verdicts
    assert json.loads(asked[0].content) == {"messages": [MESSAGE] * 3}
    refused, _ = answering(problem(503, "draining"))
    assert await refused.send("batch", [MESSAGE] * 2) == [Verdict("failed")] * 2
    cut, _ = answering(httpx.ReadError("broken off"))
    assert await cut.send("batch", [MESSAGE] * 2) == [Verdict("unknown")] * 2


@pytest.mark.parametrize("mode", ["sync", "async", "batch"])
async def test_a_service_that_takes_nothing_ends_it(mode: Mode) -> None:
    service, _ = answering(problem(401, "unauthorized"))
    with pytest.raises(ServiceRefused, match="answered 401: why"):
        await service.send(mode, [MESSAGE])
