"""What pages in a browser may do here: those of other sites may not write, unless HTTP_CORS_ORIGINS names them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import urlsplit

from app.api.calls import Call
from app.api.problems import Refusal
from app.api.replies import Reply
from app.settings import Settings, listed

WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
PREFLIGHT_METHOD = b"access-control-request-method"
PREFLIGHT_HEADERS = b"access-control-request-headers"
EXPOSED = (
    b"Idempotency-Replayed, Location, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-ID"
)
PREFLIGHT_MAX_AGE_S = b"600"
PLAIN = b"text/plain"
HEADER_NAMES = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~, -]{1,1024}").fullmatch
VARY = (b"vary", b"Origin")
Headers = tuple[tuple[bytes, bytes], ...]


class CrossSite:
    """Checks Host and Origin, and answers preflights."""

    def __init__(self, settings: Settings) -> None:
        self._loopback_only = is_loopback(settings.http_host)
        self._origins = frozenset(origin.encode("ascii") for origin in listed(settings.http_cors_origins))

    def check(self, call: Call) -> None:
        """Raises Refusal `forbidden`."""
        headers = call.headers
        if self._loopback_only and not names_loopback(headers.get(b"host")):
            raise Refusal("forbidden", "The Host header does not name this machine, and only it may ask")
        if b"origin" in headers and call.method in WRITING and headers[b"origin"] not in self._origins:
            check_origin(headers[b"origin"], headers.get(b"host", b""))

    def headers(self, call: Call) -> Headers:
        """What every answer to `call` bears, so that a page of an origin that is allowed may read it."""
        if not self._origins:
            return ()
        origin = call.headers.get(b"origin")
        if origin not in self._origins or origin is None:
            return (VARY,)
        return ((b"access-control-allow-origin", origin), (b"access-control-expose-headers", EXPOSED), VARY)

    def preflight(self, call: Call, methods: Collection[str]) -> Reply:
        """The answer to a browser that asks whether a page may call a route with these methods.

        Raises Refusal `forbidden` where its origin or method may not.
        """
        self.check(call)
        if call.headers[b"origin"] not in self._origins:
            raise Refusal("forbidden", "HTTP_CORS_ORIGINS does not name the origin of the page")
        asked = call.headers[PREFLIGHT_METHOD].strip()
        if asked.decode("latin-1") not in methods:
            raise Refusal("forbidden", f"Pages may use {', '.join(sorted(methods))} here")
        answer = [
            (b"access-control-allow-methods", ", ".join(sorted(methods)).encode("ascii")),
            (b"access-control-max-age", PREFLIGHT_MAX_AGE_S),
        ]
        names = call.headers.get(PREFLIGHT_HEADERS, b"")
        if HEADER_NAMES(names):
            answer.append((b"access-control-allow-headers", names))
        return Reply(200, b"", PLAIN, tuple(answer))


def is_preflight(call: Call) -> bool:
    """Whether a browser asks on behalf of a page what it may do."""
    return call.method == "OPTIONS" and b"origin" in call.headers and PREFLIGHT_METHOD in call.headers


def is_loopback(host: str) -> bool:
    """Whether `host`, a name or an address, means this machine only."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


_loopback_hosts: dict[bytes, bool] = {}
_LOOPBACK_HOSTS_MAX = 1000


def names_loopback(host: bytes | None) -> bool:
    """Whether a Host header names this machine; HTTP/1.0 clients send none, and no browser is one of them."""
    if host is None:
        return True
    known = _loopback_hosts.get(host)
    if known is None:
        if len(_loopback_hosts) >= _LOOPBACK_HOSTS_MAX:
            _loopback_hosts.clear()
        known = _loopback_hosts[host] = is_loopback(_authority("http", host)[0])
    return known


def check_origin(origin: bytes, host: bytes) -> None:
    """Raises Refusal `forbidden` where a page of another site asks a browser to write here."""
    scheme, separator, authority = origin.partition(b"://")
    name = scheme.decode("latin-1").lower()
    same = separator and name in ("http", "https") and _authority(name, authority) == _authority(name, host)
    if not same or not _authority(name, host)[0]:
        raise Refusal("forbidden", "Pages of other origins may not write here")


def _authority(scheme: str, authority: bytes) -> tuple[str, int | None]:
    try:
        parts = urlsplit(f"{scheme}://{authority.decode('latin-1')}")
        port = parts.port or (443 if scheme == "https" else 80)
    except ValueError:
        return "", None
    if parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        return "", None
    return (parts.hostname or "").rstrip("."), port
