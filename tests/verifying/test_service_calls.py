"""What answers of the service mean: stored, certainly not, or perhaps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from app.http_client import HttpAnswer, NotConnected
from app.verifying import service_calls
from app.verifying.service_calls import Mode, NotFound, Service, ServiceRefused, Verdict

MESSAGE = {"topic": "t", "partition": 0, "payload": 1}
REPORT = {"topic": "t", "partition": 0, "offset": 7, "error": None}


class Answers:
    """Gives these, the last one again and again, and remembers what it was asked."""

    def __init__(self, *answers: HttpAnswer | Exception) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, bytes, Mapping[str, str]]] = []

    async def get(self, path: str, timeout_s: float, headers: Mapping[str, str]) -> HttpAnswer:
        return await self.post(path, b"", timeout_s, headers)

    async def post(self, path: str, body: bytes, timeout_s: float, headers: Mapping[str, str]) -> HttpAnswer:
        self.asked.append((path, body, headers))
        found = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(found, Exception):
            raise found
        return found

    async def close(self) -> None:
        return


def answering(*answers: HttpAnswer | Exception) -> tuple[Service, list[tuple[str, bytes, Mapping[str, str]]]]:
    http = Answers(*answers)
    return Service("http://service", "a.secret", http), http.asked


def answer_of(status: int, document: object) -> HttpAnswer:
    return HttpAnswer(status, json.dumps(document).encode())


def problem(status: int, code: str) -> HttpAnswer:
    return answer_of(status, {"code": code, "detail": "why"})


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (answer_of(200, REPORT), Verdict("delivered", 7)),
        (problem(504, "delivery_unknown"), Verdict("unknown")),
        (problem(500, "internal_error"), Verdict("unknown")),
        (problem(503, "broker_unavailable"), Verdict("failed")),
        (problem(503, "overloaded"), Verdict("failed")),
        (problem(422, "unknown_topic"), Verdict("failed")),
        (HttpAnswer(502, b"<html>"), Verdict("unknown")),
        (answer_of(502, {"message": "of a proxy"}), Verdict("unknown")),
        (NotConnected("nobody listens"), Verdict("failed")),
        (ConnectionError("broken off"), Verdict("unknown")),
        (TimeoutError("no answer"), Verdict("unknown")),
    ],
)
async def test_a_single_answer(answer: HttpAnswer | Exception, verdict: Verdict) -> None:
    service, asked = answering(answer)
    assert await service.send("sync", [MESSAGE]) == [verdict]
    path, body, headers = asked[0]
    assert (path, json.loads(body), headers["Authorization"]) == ("/produce", MESSAGE, "Bearer a.secret")


async def test_a_receipt_is_waited_for() -> None:
    accepted = answer_of(202, {"receipt_id": "r1", "status": "pending"})
    pending = answer_of(200, {"status": "pending"})
    service, asked = answering(accepted, pending, answer_of(200, {"status": "delivered", "offset": 3}))
    assert await service.send("async", [MESSAGE]) == [Verdict("delivered", 3)]
    assert [path for path, _, _ in asked] == ["/produce?mode=async", "/receipts/r1", "/receipts/r1"]
    gone, _ = answering(accepted, problem(404, "not_found"))
    assert await gone.send("async", [MESSAGE]) == [Verdict("unknown")]
    away, _ = answering(accepted, NotConnected("it has ended"))
    assert await away.send("async", [MESSAGE]) == [Verdict("unknown")]
    full, _ = answering(problem(503, "queue_full"))
    assert await full.send("async", [MESSAGE]) == [Verdict("failed")]


async def test_each_message_of_a_batch_has_its_own() -> None:
    results: list[dict[str, Any]] = [
        {"status": "delivered", "offset": 1},
        {"status": "failed", "code": "record_too_large"},
        {"status": "unknown"},
    ]
    service, asked = answering(answer_of(207, {"results": results}))
    verdicts = [Verdict("delivered", 1), Verdict("failed"), Verdict("unknown")]
    assert await service.send("batch", [MESSAGE] * 3) == verdicts
    assert json.loads(asked[0][1]) == {"messages": [MESSAGE] * 3}
    refused, _ = answering(problem(503, "draining"))
    assert await refused.send("batch", [MESSAGE] * 2) == [Verdict("failed")] * 2
    cut, _ = answering(ConnectionError("broken off"))
    assert await cut.send("batch", [MESSAGE] * 2) == [Verdict("unknown")] * 2


async def test_a_topic_that_was_just_made_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_calls, "KNOWN_LOOK_S", 0.0)
    service, asked = answering(problem(404, "unknown_topic"), problem(422, "unknown_partition"))
    await service.until_known("t")
    assert len(asked) == 2
    away, _ = answering(NotConnected("nobody listens"))
    await away.until_known("t")
    monkeypatch.setattr(service_calls, "KNOWN_WITHIN_S", 0.0)
    never, _ = answering(problem(404, "unknown_topic"))
    with pytest.raises(NotFound):
        await never.until_known("t")


@pytest.mark.parametrize("mode", ["sync", "async", "batch"])
async def test_a_service_that_takes_nothing_ends_it(mode: Mode) -> None:
    service, _ = answering(problem(401, "unauthorized"))
    with pytest.raises(ServiceRefused, match="answered 401: why"):
        await service.send(mode, [MESSAGE])
