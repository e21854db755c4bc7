"""The one door of every request: its id, who may come in, how much is in flight, and what is counted of it."""

from __future__ import annotations

import ipaddress
import time
from pathlib import Path
from urllib.parse import urlsplit

from app.api.access import check_role, is_open
from app.api.calls import Call
from app.api.keyring import KeyRing
from app.api.problems import Refusal
from app.api.services import MetricsView, StateView
from app.events import Monitor, RequestRefused, WarningRaised
from app.settings import Settings

ANNOUNCED = frozenset({"draining", "forbidden", "overloaded", "queue_full", "rate_limited", "unauthorized"})
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
STOPPED = frozenset({"stopping", "stopped", "failed"})
WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
ASYNC = b"mode=async"
"""Queued messages are bounded by the producer's queue instead."""
CLIENT_GONE = 499
"""Stands in the metrics for a request whose client left before its answer; never sent."""


class Admission:
    """Lets requests in and out. Counts what is in flight, in messages and in bytes of their bodies."""

    def __init__(self, settings: Settings, state: StateView, metrics: MetricsView, monitor: Monitor) -> None:
        self._settings = settings
        self._state = state
        self._metrics = metrics
        self._monitor = monitor
        self._loopback_only = is_loopback(settings.http_host)
        keys_file = settings.http_api_keys_file
        self._keys = KeyRing(Path(keys_file), monitor) if keys_file else None
        self._refusing = False
        self.messages = 0
        self.size_bytes = 0

    def refuse_new_calls(self) -> None:
        """From now on produce calls get 503 `draining`; what is in flight goes on."""
        self._refusing = True

    async def admit(self, call: Call) -> None:
        """Raises Refusal: forbidden, unauthorized, rate_limited, draining, overloaded, body_too_large."""
        headers = call.headers
        if self._loopback_only and not names_loopback(headers.get(b"host")):
            raise Refusal("forbidden", "The Host header does not name this machine, and only it may ask")
        if b"origin" in headers and call.method in WRITING:
            check_origin(headers[b"origin"], headers.get(b"host", b""))
        if self._keys is not None and not is_open(call.route, open_metrics=self._settings.http_open_metrics):
            call.key = await self._keys.identify(call)
            check_role(call.key, call.route)
        if call.route.produces:
            self._check_rate(call)
            self._admit_produce(call)

    def _check_rate(self, call: Call) -> None:
        """A call counts as one message at the door; `count_more` counts the others, once they are known."""
        if call.key is not None and call.key.bucket is not None:
            call.key.bucket.take(1)

    def count_more(self, call: Call, messages: int) -> None:
        """The call has so many messages besides its first. Raises Refusal `rate_limited`."""
        bucket = None if call.key is None else call.key.bucket
        if bucket is None or messages <= 0:
            return
        bucket.give_back(1)
        bucket.take(messages + 1)

    def _admit_produce(self, call: Call) -> None:
        if self._refusing or self._state.state in STOPPED:
            raise Refusal("draining", "The service is stopping and takes no more messages: ask another instance")
        if self.messages >= self._settings.http_max_in_flight and ASYNC not in call.query:
            raise self._overloaded()
        declared = call.headers.get(b"content-length", b"")
        size_bytes = int(declared) if declared.isdigit() else 0
        if self.size_bytes and self.size_bytes + size_bytes > self._settings.http_max_in_flight_bytes:
            raise self._overloaded()
        self.check_size(size_bytes)

    def check_size(self, size_bytes: int) -> None:
        """Raises Refusal `body_too_large` where a body of so many bytes is."""
        if size_bytes > self._settings.http_max_body_bytes:
            raise self.too_large()

    def hold_bytes(self, call: Call, size_bytes: int) -> None:
        """Counts bytes of the body that have arrived, until the answer. Raises Refusal."""
        self.check_size(call.held_bytes + size_bytes)
        others = self.size_bytes - call.held_bytes
        if others and self.size_bytes + size_bytes > self._settings.http_max_in_flight_bytes:
            raise self._overloaded()
        call.held_bytes += size_bytes
        self.size_bytes += size_bytes

    def hold_messages(self, call: Call, messages: int) -> None:
        """Counts messages that wait for their verdicts, until the answer. Raises Refusal.

        A batch that alone is larger than the limit is let in when nothing else is in flight.
        """
        if self.messages and self.messages + messages > self._settings.http_max_in_flight:
            raise self._overloaded()
        call.held_messages += messages
        self.messages += messages

    def release(self, call: Call, status: int) -> None:
        """The request has its answer, or its client has gone (CLIENT_GONE). Called once for each call."""
        self.messages -= call.held_messages
        self.size_bytes -= call.held_bytes
        call.held_messages = call.held_bytes = 0
        method = call.method if call.method in METHODS else "other"
        self._metrics.request_answered(call.route.template, method, status, time.perf_counter() - call.started)

    def announce(self, refusal: Refusal) -> None:
        """Tells listeners of a refusal that has to do with load, state or what the caller may do."""
        if refusal.code in ANNOUNCED:
            self._monitor.emit(RequestRefused(refusal.code))

    def too_large(self) -> Refusal:
        limit = self._settings.http_max_body_bytes
        return Refusal("body_too_large", f"The body is larger than the {limit} bytes that HTTP_MAX_BODY_BYTES allows")

    def _overloaded(self) -> Refusal:
        settings = self._settings
        return Refusal(
            "overloaded",
            f"{self.messages} of {settings.http_max_in_flight} messages and {self.size_bytes} of "
            f"{settings.http_max_in_flight_bytes} bytes are in flight: nothing was taken, try again later",
        )


def warn_if_exposed(settings: Settings, monitor: Monitor) -> None:
    """Tells the operator where everybody on the network may call the service."""
    if settings.http_api_keys_file is None and not is_loopback(settings.http_host):
        detail = (
            f"The service listens on {settings.http_host} and asks for no API key: whoever reaches it may produce and "
            "read the dashboard; set HTTP_API_KEYS_FILE, or keep strangers off the network"
        )
        monitor.emit(WarningRaised("no_api_keys", detail))


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
