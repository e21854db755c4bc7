"""The application with a span around each call that produces. Used only where traces are made."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from app.api.application import Application
from app.api.paths import below_root, with_whole_names
from app.api.replies import Message, Receive, Scope, Send
from app.api.services import Services
from app.api.trace_context import NAMES, trace_headers

TRACE_NAMES = frozenset(name.encode("ascii") for name in NAMES)


class ServedRequest(Protocol):
    """What is told of a request while it is answered."""

    def answered(self, status: int) -> None: ...


class RequestTracing(Protocol):
    """Makes the spans of requests."""

    def serving(
        self, route: str, path: str, scheme: str, trace: Mapping[str, str]
    ) -> AbstractContextManager[ServedRequest]:
        """The span of a POST to `path` while it is answered; `trace`: the caller's valid trace headers."""


class TracedApplication(Application):
    """Answers as `Application` does. The caller's trace goes on in the span, which the messages then name."""

    def __init__(self, services: Services, *, tracing: RequestTracing, **options: Any) -> None:
        super().__init__(services, **options)
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._produce_route(scope)
        if route is None:
            await super().__call__(scope, receive, send)
            return
        trace = trace_headers(dict(scope["headers"]))
        carrier = {name: value.decode("ascii") for name, value in trace}
        with self._tracing.serving(route, scope["path"], scope.get("scheme", "http"), carrier) as request:

            async def watched(message: Message) -> None:
                if message["type"] == "http.response.start":
                    request.answered(message["status"])
                await send(message)

            headers = [pair for pair in scope["headers"] if pair[0] not in TRACE_NAMES]
            await super().__call__({**scope, "headers": headers}, receive, watched)

    def _produce_route(self, scope: Scope) -> str | None:
        """The template of the route, where the call is one that produces."""
        if scope["type"] != "http" or scope["method"] != "POST":
            return None
        inside = below_root(scope, self.root_path) if self.root_path else scope
        info = self._find(with_whole_names(inside)).info
        return info.template if info.produces else None
