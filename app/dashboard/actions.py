"""What operators do from the dashboard: who may, in which form, and what is kept of it.

An action is data: `Action`. `add_actions` makes a route of each. Admission has let the call in before (request id, API
key and its role, Host and foreign origins); here an action is asked for more, as it changes what runs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic

import orjson
from fastapi import Request, Response

from app.api.access import check_role
from app.api.admission import CLIENT_GONE
from app.api.application import Application
from app.api.bodies import ClientGone, read_body
from app.api.calls import Call, RouteInfo
from app.api.client_address import ClientAddresses
from app.api.cross_site import check_origin
from app.api.keys import ApiKey
from app.api.media_types import is_json
from app.api.problems import Refusal
from app.api.replies import CALL, Reply, response_of
from app.api.services import Services, StateView
from app.dashboard.action_bodies import B, read_action
from app.dashboard.dated import dated
from app.dashboard.pages import Page
from app.errors import KafkaUnavailable
from app.events import Monitor, OperatorActed
from app.observing.audit import Audit
from app.settings import Settings

ACTION_ROUTE = RouteInfo("/dashboard/api/{action}", writes=True)
SAME_SITE_WORDS = frozenset({b"same-origin", b"none"})
"""Values of Sec-Fetch-Site that a page of this dashboard, or no page at all, sends."""
OFF = (
    "Actions are off, because anybody who reaches this address could use them: set HTTP_API_KEYS_FILE and come with a "
    "key of the role admin, or DASHBOARD_ACTIONS=true to let everybody act"
)
STOPPING = "This instance is quiet or stopping: ask another one"


@dataclass(frozen=True, slots=True)
class Asked(Generic[B]):
    """An action that somebody who may act has asked for. `path`: what stands in the variable parts of its path; `key`:
    the API key that was shown, where the service has keys."""

    by: str
    body: B
    path: Mapping[str, str]
    key: ApiKey | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an action. One that has only looked (a preview, a dry run) has not `acted`: it is not audited."""

    document: Mapping[str, Any]
    status: int = 200
    detail: str = ""
    acted: bool = True


@dataclass(frozen=True, slots=True)
class Action(Generic[B]):
    """One kind of action. `name` is for the audit, `target` says in words what it is done to.

    `run` raises Refusal where it cannot be done, KafkaUnavailable where no broker answers. `while_quiet`: an instance
    that dispatches nothing more takes it too.
    """

    name: str
    path: str
    body: type[B]
    run: Callable[[Asked[B]], Awaitable[Answer]]
    target: Callable[[Asked[B]], str]
    method: str = "POST"
    while_quiet: bool = False


class ActionGuard:
    """Says who may act now."""

    def __init__(self, settings: Settings, state: StateView) -> None:
        self._with_keys = settings.http_api_keys_file is not None
        self._open = settings.dashboard_actions
        self._addresses = ClientAddresses(settings.http_trusted_proxies)
        self._state = state

    def why_not(self, key: ApiKey | None) -> str | None:
        """Why one who shows `key` may not act, and what to do about it; None where they may."""
        if self._with_keys:
            return _why_no_admin(key)
        return None if self._open else OFF

    def check(self, call: Call, *, while_quiet: bool = False) -> None:
        """Raises Refusal: forbidden, draining, unsupported_media_type."""
        check_same_site(call)
        if (why_not := self.why_not(call.key)) is not None:
            raise Refusal("forbidden", why_not)
        if self._state.draining and not while_quiet:
            raise Refusal("draining", STOPPING)
        content_type = call.headers.get(b"content-type", b"").strip()
        bodiless = call.method == "DELETE" and not content_type
        if not bodiless and not (content_type and is_json(content_type)):
            raise Refusal("unsupported_media_type", "Send application/json in UTF-8, and say so in Content-Type")

    def name_of(self, call: Call) -> str:
        """Who acts: the name of the API key, or where it comes from."""
        return call.principal or f"operator@{self._addresses.of(call)}"


def _why_no_admin(key: ApiKey | None) -> str | None:
    try:
        if key is not None:
            check_role(key, ACTION_ROUTE)
            return None
    except Refusal as refusal:
        return refusal.detail
    return "This needs an API key with the role admin"


def check_same_site(call: Call) -> None:
    """Raises Refusal `forbidden` where a page of another origin asks, also one that HTTP_CORS_ORIGINS names."""
    headers = call.headers
    if headers.get(b"sec-fetch-site", b"none") not in SAME_SITE_WORDS:
        raise Refusal("forbidden", "Pages of other sites may not act here")
    if b"origin" in headers:
        check_origin(headers[b"origin"], headers.get(b"host", b""))


@dataclass(frozen=True, slots=True)
class Desk:
    """Takes actions, carries them out and announces what came of each."""

    guard: ActionGuard
    application: Application
    monitor: Monitor
    stall_timeout_s: float

    async def take(self, action: Action[B], call: Call, path: Mapping[str, str]) -> Reply:
        """The answer to a call that asks for `action`. Raises Refusal, ClientGone."""
        self.guard.check(call, while_quiet=action.while_quiet)
        raw = await read_body(call, self.application.admission, self.stall_timeout_s)
        asked = Asked(self.guard.name_of(call), read_action(action.body, raw), path, call.key)
        answer = await self._carry_out(action, asked)
        return Reply(answer.status, orjson.dumps(answer.document))

    async def _carry_out(self, action: Action[B], asked: Asked[B]) -> Answer:
        try:
            answer = await action.run(asked)
        except Refusal as refusal:
            self._announce(action, asked, "refused", refusal.detail)
            raise
        except KafkaUnavailable as error:
            self._announce(action, asked, "failed", str(error))
            raise Refusal("broker_unavailable", str(error)) from error
        if answer.acted:
            self._announce(action, asked, "done", answer.detail)
        return answer

    def _announce(self, action: Action[B], asked: Asked[B], outcome: Any, detail: str) -> None:
        self.monitor.emit(OperatorActed(asked.by, action.name, action.target(asked), outcome, detail))


def add_actions(application: Application, services: Services, actions: Iterable[Action[Any]]) -> ActionGuard:
    """Registers a route for each action; gives the guard, for whoever shows what may be done."""
    settings = services.settings
    guard = ActionGuard(settings, services.state)
    desk = Desk(guard, application, services.monitor, settings.http_body_timeout_s)
    for action in actions:
        application.add_api_route(
            action.path, _route(desk, action), methods=[action.method], include_in_schema=False, response_class=Response
        )
    return guard


def audit_page(audit: Audit) -> Page:
    """What was done."""
    return Page("/dashboard/api/audit", "Audit", lambda _: dated({"audit": audit.rows()}))


def _route(desk: Desk, action: Action[Any]) -> Callable[[Request], Awaitable[Response]]:
    async def act(request: Request) -> Response:
        try:
            return response_of(await desk.take(action, request.scope[CALL], request.path_params))
        except ClientGone:
            return Response(status_code=CLIENT_GONE)

    return act
