"""Sends messages to the running service, one call at a time for each partition, and says what it answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal, NamedTuple, Protocol

import orjson

from app.errors import DemijohnError
from app.http_client import HttpAnswer, HttpClient, NotConnected
from app.verifying.ledger import Status

Mode = Literal["sync", "async", "batch"]
CALL_TIMEOUT_S = 45.0
"""Longer than the service waits for Kafka: what it says is better than a guess."""
RECEIPT_WAIT_S = 20
RECEIPT_WITHIN_S = 60.0
MAYBE_STORED = ("delivery_unknown", "internal_error")
"""Codes of problems after which a message may be there; an answer without a code is not the service's own."""
KNOWN_WITHIN_S, KNOWN_LOOK_S = 8.0, 0.2
"""A service finds a topic that was just made within 5 s."""
NO_PARTITION = 2**31 - 1
PRODUCE, BATCH = "/produce", "/produce/batch"


class ServiceRefused(DemijohnError):
    """The service will not take any of the messages: nothing can be verified."""


class NotFound(ServiceRefused):
    """The service does not know the topic, or this is no Demijohn."""


class Verdict(NamedTuple):
    """What the service said of one message."""

    status: Status
    offset: int | None = None


UNKNOWN = Verdict("unknown")


class Calls(Protocol):
    """What `HttpClient` does."""

    async def get(self, path: str, timeout_s: float, headers: Mapping[str, str]) -> HttpAnswer: ...
    async def post(self, path: str, body: bytes, timeout_s: float, headers: Mapping[str, str]) -> HttpAnswer: ...
    async def close(self) -> None: ...


class Service:
    """The service at `url`, asked with `key` if there is one. Raises ValueError where that is no URL."""

    def __init__(self, url: str, key: str | None = None, http: Calls | None = None) -> None:
        self.url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = http or HttpClient(url)

    async def close(self) -> None:
        await self._http.close()

    async def until_known(self, topic: str) -> None:
        """Returns when the service knows the topic, or does not answer now. Stores nothing: it asks with a partition
        that no topic has. Raises ServiceRefused."""
        until = time.monotonic() + KNOWN_WITHIN_S
        while True:
            try:
                await self._post(PRODUCE, {"topic": topic, "partition": NO_PARTITION, "payload": "known?"})
            except NotFound:
                if time.monotonic() > until:
                    raise
            except (OSError, ValueError):
                return
            else:
                return
            await asyncio.sleep(KNOWN_LOOK_S)

    async def send(self, mode: Mode, messages: Sequence[dict[str, Any]]) -> list[Verdict]:
        """One verdict for each. What broke off before an answer is unknown. Raises ServiceRefused."""
        try:
            if mode == "batch":
                return _each(await self._post(BATCH, {"messages": list(messages)}), len(messages))
            return [await self._one(message, queued=mode == "async") for message in messages]
        except NotConnected:
            return [Verdict("failed")] * len(messages)
        except (OSError, ValueError):
            return [UNKNOWN] * len(messages)

    async def _one(self, message: dict[str, Any], *, queued: bool) -> Verdict:
        if not queued:
            return _verdict(await self._post(PRODUCE, message))
        answer = await self._post(f"{PRODUCE}?mode=async", message)
        receipt = answer.get("receipt_id")
        return _verdict(answer) if receipt is None else await self._settled(receipt)

    async def _settled(self, receipt: str) -> Verdict:
        until = time.monotonic() + RECEIPT_WITHIN_S
        while time.monotonic() < until:
            headers = {**self._headers, "Prefer": f"wait={RECEIPT_WAIT_S}"}
            try:
                answer = await self._http.get(f"/receipts/{receipt}", CALL_TIMEOUT_S, headers)
            except NotConnected:
                return UNKNOWN  # it was accepted before
            found = _object(answer)
            if found.get("status") in ("delivered", "failed", "unknown"):
                return Verdict(found["status"], found.get("offset"))
            if answer.status == 404:
                return UNKNOWN
            await asyncio.sleep(0.05)
        return UNKNOWN

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {**self._headers, "Content-Type": "application/json"}
        answer = await self._http.post(path, orjson.dumps(body), CALL_TIMEOUT_S, headers)
        if answer.status in (401, 403, 404, 405):
            kind = NotFound if answer.status == 404 else ServiceRefused
            raise kind(f"{self.url}{path} answered {answer.status}: {_why(answer)}")
        return _object(answer)


def _object(answer: HttpAnswer) -> dict[str, Any]:
    """Raises ValueError where it is none."""
    found = orjson.loads(answer.body)
    if not isinstance(found, dict):
        raise ValueError("no object")
    return found


def _why(answer: HttpAnswer) -> str:
    try:
        return str(_object(answer)["detail"])
    except (ValueError, KeyError):
        return HTTPStatus(answer.status).phrase


def _verdict(answer: dict[str, Any]) -> Verdict:
    """Of a report, or of a problem."""
    if "offset" in answer and answer.get("error") is None:
        return Verdict("delivered", answer["offset"])
    return UNKNOWN if answer.get("code", "delivery_unknown") in MAYBE_STORED else Verdict("failed")


def _each(answer: dict[str, Any], count: int) -> list[Verdict]:
    results = answer.get("results")
    if not isinstance(results, list) or len(results) != count:
        return [_verdict(answer)] * count
    return [_of_item(result) for result in results]


def _of_item(result: dict[str, Any]) -> Verdict:
    if result["status"] == "delivered":
        return Verdict("delivered", result["offset"])
    return UNKNOWN if result["status"] == "unknown" else Verdict("failed")
