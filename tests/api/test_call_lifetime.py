"""What an answered call held is freed at once: what waits for the cyclic collector makes it stop the loop for tens of
milliseconds, the more often the more calls there are."""

from __future__ import annotations

import asyncio
import gc
import json
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.conftest import MakeService
from tests.api.service import Service

MESSAGE = json.dumps({"topic": "example", "payload": 1}).encode()


class Request:
    """A request as a server makes it: its bound methods are what the application is given."""

    def __init__(self, method: str, path: str, body: bytes) -> None:
        path, _, query = path.partition("?")
        headers = [(b"host", b"127.0.0.1:3000"), (b"content-type", b"application/json")]
        self.scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": headers,
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 3000),
            "scheme": "http",
            "root_path": "",
        }
        self._body = body
        self.status = 0

    async def receive(self) -> dict[str, Any]:
        return {"type": "http.request", "body": self._body, "more_body": False}

    async def send(self, message: Any) -> None:
        self.status = message.get("status", self.status)


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def answered(service: Service, method: str, path: str, body: bytes) -> tuple[int, list[weakref.ref[Any]]]:
    """The status, and what held the call: the server's request and the task that answered it."""
    request = Request(method, path, body)
    task = asyncio.create_task(service.application(request.scope, request.receive, request.send))
    held: list[weakref.ref[Any]] = [weakref.ref(request), weakref.ref(task)]
    await task
    return request.status, held


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/produce", MESSAGE, 200),
        ("POST", "/produce?mode=async", MESSAGE, 202),
        ("POST", "/produce/batch", b'{"messages":[' + MESSAGE + b"]}", 200),
        ("POST", "/produce", b"{", 400),
        ("POST", "/produce", b"{}", 422),
        ("POST", "/produce?nonsense=1", MESSAGE, 400),
        ("GET", "/health/live", b"", 200),
        ("GET", "/dashboard", b"", 200),
        ("GET", "/nothing", b"", 404),
        ("DELETE", "/produce", b"", 405),
    ],
)
@pytest.mark.usefixtures("no_collector")
async def test_an_answered_call_leaves_nothing_to_collect(
    either: Service, method: str, path: str, body: bytes, status: int
) -> None:
    await answered(either, method, path, body)
    await asyncio.sleep(0)
    was, held = await answered(either, method, path, body)
    await asyncio.sleep(0)
    assert was == status
    assert [ref() for ref in held] == [None, None]


@pytest.mark.usefixtures("no_collector")
async def test_a_call_refused_for_load_leaves_nothing_to_collect(make_service: MakeService) -> None:
    service = make_service(http_max_in_flight=1)
    service.application.admission.messages = 1
    status, held = await answered(service, "POST", "/produce", MESSAGE)
    await asyncio.sleep(0)
    assert status == 503
    assert [ref() for ref in held] == [None, None]
