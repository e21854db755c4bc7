"""The one door of every request: its id, who may come in, how much is in flight, and what is counted of it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from app.api.access import check_role, is_open
from app.api.calls import Call, is_stream
from app.api.client_address import AddressRates, ClientAddresses
from app.api.cross_site import CrossSite, Headers, is_loopback
from app.api.keyring import KeyRing
from app.api.problems import Refusal
from app.api.rates import parse_rate
from app.api.services import MetricsView, StateView
from app.events import Monitor, RequestRefused, WarningRaised
from app.settings import Settings

ANNOUNCED = frozenset({"draining", "forbidden", "overloaded", "queue_full", "rate_limited", "unauthorized"})
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
STOPPED = frozenset({"stopping", "stopped", "failed"})
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
        self.cross_site = CrossSite(settings)
        keys_file = settings.http_api_keys_file
        self._keys = KeyRing(Path(keys_file), monitor) if keys_file else None
        self._address_rates: AddressRates | None = None
        if settings.http_rate_limit and not keys_file:
            addresses = ClientAddresses(settings.http_trusted_proxies)
            self._address_rates = AddressRates(parse_rate(settings.http_rate_limit), addresses)
        self._adds_headers = bool(keys_file or settings.http_rate_limit or settings.http_cors_origins)
        self.refusing = asyncio.Event()
        """Set from when produce calls get 503 `draining`; what is in flight goes on."""
        self.messages = 0
        self.size_bytes = 0

    def refuse_new_calls(self) -> None:
        """From now on produce calls get 503 `draining`; what is in flight goes on."""
        self.refusing.set()

    async def admit(self, call: Call) -> None:
        """Raises Refusal: forbidden, unauthorized, rate_limited, draining, overloaded, body_too_large."""
        self.cross_site.check(call)
        if self._keys is not None and not is_open(call.route, open_metrics=self._settings.http_open_metrics):
            call.key = await self._keys.identify(call)
            check_role(call.key, call.route)
        if call.route.produces:
            self._find_bucket(call)
            if call.bucket is not None:
                call.bucket.check(1)
            self._admit_produce(call)
            if call.bucket is not None:
                call.bucket.take(1)

    def _find_bucket(self, call: Call) -> None:
        if call.key is not None:
            call.bucket = call.key.bucket
        elif self._address_rates is not None:
            call.bucket = self._address_rates.bucket(call)

    def count_more(self, call: Call, messages: int) -> None:
        """The call has so many messages besides the first, which was counted at the door.

        Raises Refusal `rate_limited`; then none of them counts.
        """
        if call.bucket is not None and messages > 0:
            call.bucket.give_back(1)
            call.bucket.take(messages + 1)

    def headers(self, call: Call) -> Headers:
        """What the answer to `call` bears besides its own: what is left of its rate, and what browsers want."""
        if not self._adds_headers:
            return ()
        rated = () if call.bucket is None else call.bucket.headers()
        return (*rated, *self.cross_site.headers(call))

    def count_next(self, call: Call) -> None:
        """The stream of the call has one more message. Raises Refusal `rate_limited`."""
        if call.bucket is not None:
            call.bucket.take(1)

    def _admit_produce(self, call: Call) -> None:
        if self.refusing.is_set() or self._state.state in STOPPED:
            raise Refusal("draining", "The service is stopping and takes no more messages: ask another instance")
        if self.messages >= self._settings.http_max_in_flight and ASYNC not in call.query:
            raise self._overloaded()
        declared = call.headers.get(b"content-length", b"")
        size_bytes = int(declared) if declared.isdigit() else 0
        if size_bytes > self._settings.http_max_body_bytes and is_stream(call):
            size_bytes = 0
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

    def fits(self, messages: int, size_bytes: int) -> bool:
        """Whether so much more would be let in now."""
        settings = self._settings
        return (not self.messages or self.messages + messages <= settings.http_max_in_flight) and (
            not self.size_bytes or self.size_bytes + size_bytes <= settings.http_max_in_flight_bytes
        )

    def give_back(self, call: Call, messages: int, size_bytes: int) -> None:
        """Part of what the call holds is in flight no more."""
        call.held_messages -= messages
        self.messages -= messages
        call.held_bytes -= size_bytes
        self.size_bytes -= size_bytes

    def release(self, call: Call, status: int) -> None:
        """The request has its answer, or its client has gone (CLIENT_GONE). Called once for each call."""
        self.messages -= call.held_messages
        self.size_bytes -= call.held_bytes
        call.held_messages = call.held_bytes = 0
        method = call.method if call.method in METHODS else "other"
        self._metrics.request_answered(
            call.route.template, method, status, (call.answered or time.perf_counter()) - call.started
        )

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
        acts = " and act from it (DASHBOARD_ACTIONS)" if settings.dashboard_actions else ""
        detail = (
            f"The service listens on {settings.http_host} and asks for no API key: whoever reaches it may produce, "
            f"read the dashboard{acts}; set HTTP_API_KEYS_FILE, or keep strangers off the network"
        )
        monitor.emit(WarningRaised("no_api_keys", detail))
