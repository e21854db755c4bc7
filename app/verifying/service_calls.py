"""Sends messages to the running service, one call at a time for each partition, and says what it answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import httpx

from app.errors import DemijohnError
from app.verifying.ledger import Status

Mode = Literal["sync", "async", "batch"]
CALL_TIMEOUT_S = 45.0
"""Longer than the service waits for Kafka: what it says is better than a guess."""
RECEIPT_WAIT_S = 20
RECEIPT_WITHIN_S = 60.0
MAYBE_STORED = ("delivery_unknown", "internal_error")
"""Codes of problems after which a message may be there; an answer without a code is not the service's own."""
PRODUCE, BATCH = "/produce", "/produce/batch"


class ServiceRefused(DemijohnError):
    """The service will not take any of the messages: nothing can be verified."""


class Verdict(NamedTuple):
    """What the service said of one message."""

    status: Status
    offset: int | None = None


UNKNOWN = Verdict("unknown")


class Service:
    """The service at `url`, asked with `key` if there is one."""

    def __init__(self, url: str, key: str | None = None, transport: httpx.AsyncBaseTransport | None = None) -> None:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        self.url = url
        self._http = httpx.AsyncClient(base_url=url, headers=headers, timeout=CALL_TIMEOUT_S, transport=transport)

    async def close(self) -> None:
        await self._http.aclose()

    async def send(self, mode: Mode, messages: Sequence[dict[str, Any]]) -> list[Verdict]:
        """One verdict for each. What broke off before an answer is unknown. Raises ServiceRefused."""
        try:
            if mode == "batch":
                return _each(await self._post(BATCH, {"messages": list(messages)}), len(messages))
            return [await self._one(message, queued=mode == "async") for message in messages]
        except httpx.ConnectError:
            return [Verdict("failed")] * len(messages)
        except (httpx.HTTPError, ValueError):
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
            answer = await self._http.get(f"/receipts/{receipt}", headers={"prefer": f"wait={RECEIPT_WAIT_S}"})
            found = answer.json()
            if found.get("status") in ("delivered", "failed", "unknown"):
                return Verdict(found["status"], found.get("offset"))
            if answer.status_code == 404:
                return UNKNOWN
            await asyncio.sleep(0.05)
        return UNKNOWN

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        response = await self._http.post(path, json=body)
        if response.status_code in (401, 403, 404, 405):
            raise ServiceRefused(f"{self.url}{path} answered {response.status_code}: {_why(response)}")
        answer = response.json()
        if not isinstance(answer, dict):
            raise ValueError("no object")
        return answer


def _why(response: httpx.Response) -> str:
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return response.reason_phrase


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
