"""One HTTP request on its way through the service, the same for the fast lane and the ordinary routes."""

from __future__ import annotations

import itertools
import re
import secrets
import time
from typing import NamedTuple

from app.api.keys import ApiKey
from app.api.media_types import is_ndjson
from app.api.rates import Bucket
from app.api.replies import Receive, Scope

WANTED = frozenset(
    {
        b"accept",
        b"access-control-request-headers",
        b"access-control-request-method",
        b"authorization",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"host",
        b"idempotency-key",
        b"origin",
        b"prefer",
        b"sec-fetch-site",
        b"traceparent",
        b"tracestate",
        b"x-api-key",
        b"x-forwarded-for",
        b"x-request-id",
    }
)
"""Request headers that anything here looks at; the others are not even copied."""

PRINTABLE = re.compile(rb"[\x20-\x7e]{1,128}").fullmatch
_PREFIX = secrets.token_hex(6)
_sequence = itertools.count(1)


class RouteInfo(NamedTuple):
    """What admission needs to know of a route. `template` is its path, `{name}` for what varies."""

    template: str
    writes: bool = False
    produces: bool = False


class Call:
    """A request and what it holds of the service's limits. `started` is of `time.perf_counter`.

    `key` is the API key that it came with, once admission has seen it, and `bucket` what its messages are counted in;
    None where the service has no keys and no rates. `answered`: when an answer that has no end of its own began.
    """

    __slots__ = (
        "answered",
        "bucket",
        "headers",
        "held_bytes",
        "held_messages",
        "key",
        "method",
        "path",
        "query",
        "receive",
        "request_id",
        "route",
        "scope",
        "started",
    )

    def __init__(self, route: RouteInfo, scope: Scope, receive: Receive) -> None:
        self.started = time.perf_counter()
        self.route = route
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope.get("query_string", b"")
        self.receive = receive
        self.headers = wanted_headers(scope)
        self.request_id = request_id(self.headers)
        self.key: ApiKey | None = None
        self.bucket: Bucket | None = None
        self.held_bytes = 0
        self.held_messages = 0
        self.answered: float | None = None

    @property
    def root(self) -> str:
        """HTTP_ROOT_PATH, which every address in an answer begins with."""
        return str(self.scope.get("root_path", ""))

    @property
    def principal(self) -> str:
        """The name of the API key, empty without one."""
        return "" if self.key is None else self.key.name


def is_stream(call: Call) -> bool:
    """Whether the body is a stream of lines, whose size is bounded line by line."""
    return is_ndjson(call.headers.get(b"content-type", b""))


def wanted_headers(scope: Scope) -> dict[bytes, bytes]:
    """The request headers by name; repeated ones joined by a comma, as RFC 9110 has it."""
    headers: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in WANTED:
            headers[name] = headers[name] + b"," + value if name in headers else value
    return headers


def request_id(headers: dict[bytes, bytes]) -> str:
    """The caller's X-Request-ID where it is 1 to 128 printable ASCII characters, else a new one."""
    given = headers.get(b"x-request-id")
    if given is not None and PRINTABLE(given) and given.strip():
        return given.decode("ascii")
    return f"{_PREFIX}{next(_sequence):08x}"
