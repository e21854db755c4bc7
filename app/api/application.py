"""The FastAPI application, with a fast lane in front of it for the calls that must be quick.

FastAPI's request path costs three times what the rest of a produce call does. So `Application` answers those
calls itself, before FastAPI's stack; their routes are registered all the same, with their documentation, and
answer in the same way when the fast lane is switched off.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import TYPE_CHECKING, Any, NamedTuple

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from app import __version__
from app.api.admission import CLIENT_GONE, Admission, warn_if_exposed
from app.api.bodies import ClientGone
from app.api.calls import Call, RouteInfo
from app.api.cross_site import WRITING, Headers, is_preflight
from app.api.documentation import complete
from app.api.ordinary_routes import add_routes
from app.api.paths import below_root, with_whole_names
from app.api.problems import Refusal
from app.api.producing_routes import FastLane, producing_routes
from app.api.refusals import refusal_reply
from app.api.replies import CALL, NOSNIFF, Message, Receive, Reply, Scope, Send, StreamedReply, response_of, send_reply
from app.api.services import Services
from app.events import ErrorOccurred
from app.observing.request_id import begin_request

if TYPE_CHECKING:
    from fastapi.telemetry import TelemetryConfig

Handler = Callable[[Call], Awaitable[Reply | StreamedReply]]
NO_ROUTE = RouteInfo("(none)")
"""One label in the metrics for all paths that do not exist, however many there are."""
NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
"""What FastAPI makes of OTEL_* by itself would stand beside what the service says of the same calls."""
OWN_HEADERS = frozenset({b"x-request-id", NOSNIFF[0]})
READING = frozenset({"GET", "HEAD"})
NO_STORE = (b"cache-control", b"no-store")
"""On every answer to a read that says nothing else: it is of the moment, and perhaps of the caller's key."""
CODE_OF_STATUS = {404: "not_found", 405: "method_not_allowed", 406: "not_acceptable"}


def build_application(
    services: Services, *, make: Callable[..., Application] | None = None, fast_lane: bool = True, **options: Any
) -> Application:
    """The application with the routes of the API; pages are added by `app.dashboard`.

    `make` is another class of application, `fast_lane=False` sends produce calls the long way; `options` (such as
    `lifespan`) go to FastAPI.
    """
    application = (make or Application)(services, fast_lane=fast_lane, **options)
    warn_if_exposed(services.settings, services.monitor)
    add_routes(application, services, application.produce)
    return application


class Found(NamedTuple):
    """What stands at a path: its route, the methods there, and why this one cannot be used, if so."""

    info: RouteInfo
    methods: Collection[str]
    refusal: Refusal | None = None


class Application(FastAPI):
    """Answers every request through one admission."""

    def __init__(self, services: Services, *, fast_lane: bool = True, **options: Any) -> None:
        super().__init__(
            title="Demijohn",
            version=__version__,
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
            telemetry=NO_TELEMETRY,
            exception_handlers={
                Refusal: _refusal_response,
                HTTPException: _http_response,
                Exception: _mistake_response,
            },
            **options,
        )
        self.root_path = services.settings.http_root_path
        self.monitor = services.monitor
        self.admission = Admission(services.settings, services.state, services.metrics, services.monitor)
        self.produce = producing_routes(services, self.admission)
        self._infos = {route.info.template: route.info for route in self.produce}
        self._fast = FastLane(self.produce if fast_lane else ())

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        if self.openapi_schema is None:
            self.openapi_schema = complete(super().openapi())
        return self.openapi_schema

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        if self.root_path:
            scope = below_root(scope, self.root_path)
        if scope["method"] == "POST" and (route := self._fast.find(scope["path"])) is not None:
            await self._answer_fast(Call(route.info, scope, receive), route, send)
        else:
            await self._answer_by_router(with_whole_names(scope), receive, send)

    async def _answer_fast(self, call: Call, handler: Handler, send: Send) -> None:
        begin_request(call.request_id)
        status = CLIENT_GONE
        try:
            reply: Reply | StreamedReply | None
            try:
                await self.admission.admit(call)
                reply = await handler(call)
            except Exception as error:
                reply = self._failed(call, error)
            if isinstance(reply, Reply):
                await send_reply(send, reply, call.request_id, *self.admission.headers(call))
                status = reply.status
            elif reply is not None:
                status = await self._stream(call, reply, send)
        finally:
            self.admission.release(call, status)

    async def _stream(self, call: Call, reply: StreamedReply, send: Send) -> int:
        """The status for the metrics. What goes wrong once an answer has begun can only cut it off."""
        try:
            await reply.send(send, call.request_id, *self.admission.headers(call))
        except Exception as error:
            self._failed(call, error)
            return CLIENT_GONE if isinstance(error, ClientGone) else reply.status
        return reply.status

    async def _answer_by_router(self, scope: Scope, receive: Receive, send: Send) -> None:
        # A copy: the server's request holds its own scope, and the call in it would hold the request.
        routed: Scope = {**scope, "method": "GET" if scope["method"] == "HEAD" else scope["method"]}
        found = self._find(routed)
        call = routed[CALL] = Call(found.info, scope, receive)
        begin_request(call.request_id)
        outlet = _Outlet(send, call, self.admission, with_body=scope["method"] != "HEAD")
        try:
            reply = None
            try:
                reply = await self._enter(call, found)
                if reply is None:
                    await FastAPI.__call__(self, routed, receive, outlet)
            except Exception as error:
                reply = self._failed(call, error)
            if reply is not None and outlet.status is None:
                await send_reply(outlet, reply, call.request_id)
        finally:
            self.admission.release(call, outlet.status or CLIENT_GONE)

    async def _enter(self, call: Call, found: Found) -> Reply | None:
        """Lets a call in to its route; a preflight, and a call that has no route, get their answers here.

        Raises Refusal.
        """
        if found.methods and is_preflight(call):
            return self.admission.cross_site.preflight(call, found.methods)
        if found.refusal is not None:
            return self._failed(call, found.refusal)
        await self.admission.admit(call)
        return None

    def _failed(self, call: Call, error: Exception) -> Reply | None:
        """The answer to a call that ended with an error; None where there is nobody to answer."""
        if isinstance(error, Refusal):
            self.admission.announce(error)
            return refusal_reply(error, call)
        if isinstance(error, ClientGone):
            return None
        self.monitor.emit(ErrorOccurred("http.request", error))
        return refusal_reply(_mistake(), call)

    def _find(self, scope: Scope) -> Found:
        """The route that the router will choose, or why there is none."""
        others: set[str] = set()
        template = NO_ROUTE.template
        for route in self.router.routes:
            if not isinstance(route, Route):
                continue
            match, _ = route.matches(scope)
            if match is Match.FULL:
                return Found(self._info(route.path, scope["method"]), route.methods or ())
            if match is Match.PARTIAL:
                template = route.path
                others |= route.methods or set()
        if not others:
            text = f"There is nothing at this path; {self.root_path}/docs lists what there is"
            return Found(NO_ROUTE, (), Refusal("not_found", text))
        if "GET" in others:
            others.add("HEAD")
        return Found(RouteInfo(template), others, _method_not_allowed(others))

    def _info(self, path: str, method: str) -> RouteInfo:
        if method == "POST" and path in self._infos:
            return self._infos[path]
        return RouteInfo(path, writes=method in WRITING)


class _Outlet:
    """Sends what the router answers, with the headers of every answer; keeps the body back from a HEAD request."""

    def __init__(self, send: Send, call: Call, admission: Admission, *, with_body: bool) -> None:
        self._send = send
        self._call = call
        self._admission = admission
        self._with_body = with_body
        self.status: int | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [pair for pair in message.get("headers", ()) if pair[0] not in OWN_HEADERS]
            if self._call.method in READING and all(name != NO_STORE[0] for name, _ in headers):
                headers.append(NO_STORE)
            message = {**message, "headers": [*headers, *self._own_headers()]}
        elif message["type"] == "http.response.body" and not self._with_body:
            message = {**message, "body": b""}
        await self._send(message)

    def _own_headers(self) -> Headers:
        request_id = (b"x-request-id", self._call.request_id.encode("ascii"))
        return (request_id, NOSNIFF, *self._admission.headers(self._call))


async def _refusal_response(request: Request, refusal: Exception) -> Response:
    if not isinstance(refusal, Refusal):
        raise refusal
    return response_of(refusal_reply(refusal, request.scope[CALL]))


async def _http_response(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException) or error.status_code not in CODE_OF_STATUS:
        raise error
    headers = [(name.lower().encode(), value.encode()) for name, value in (error.headers or {}).items()]
    refusal = Refusal(CODE_OF_STATUS[error.status_code], error.detail, headers=headers)
    return response_of(refusal_reply(refusal, request.scope[CALL]))


async def _mistake_response(request: Request, error: Exception) -> Response:
    """Starlette raises the error again after this, so that it is announced as every other."""
    return response_of(refusal_reply(_mistake(), request.scope[CALL]))


def _mistake() -> Refusal:
    return Refusal("internal_error", "The service made a mistake; its log has the details under this request id")


def _method_not_allowed(methods: Collection[str]) -> Refusal:
    listed = ", ".join(sorted(methods))
    headers = [(b"allow", listed.encode("ascii"))]
    return Refusal("method_not_allowed", f"Only {listed} may be used here", headers=headers)
