"""The pages of what this service does: each a function that gives its document."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import cast

from app.api.services import Services
from app.dashboard.actions import ActionGuard
from app.dashboard.dated import dated
from app.dashboard.documents import Document
from app.dashboard.error_pages import error_pages
from app.dashboard.instance_pages import instance_pages
from app.dashboard.negotiation import EVENTS, HTML, JSON
from app.dashboard.pages import Page
from app.dashboard.permissions import permission, roles_of, why_no_produce
from app.dashboard.produce_page import produce_page
from app.dashboard.queries import Query
from app.dashboard.routing_page import routing_page
from app.dashboard.status_checks import StatusChecks, status_document
from app.fleet.view import Range
from app.observing.series import STEPS

OVERVIEW = {
    "summary": "What this instance does, as JSON, as a page or as a stream of the JSON",
    "operation_id": "dashboard",
    "tags": ["dashboard"],
    "responses": {200: {"description": "The snapshot", "content": {JSON: {}, HTML: {}, EVENTS: {}}}},
}


def own_pages(services: Services) -> Iterator[Page]:
    """Every page and document of this service itself."""
    yield Page("/dashboard", "Overview", lambda _: services.snapshot.document(), description=OVERVIEW)
    guard = ActionGuard(services.settings, services.state)
    yield Page("/dashboard/api/me", "Who I am", partial(_me, services, guard), personal=True)
    yield Page("/dashboard/api/history", "History", partial(_history, services), filters=("range",))
    yield produce_page(services)
    yield from instance_pages(services)
    yield from error_pages(services)
    yield routing_page(services)
    checks = StatusChecks(services)
    yield Page("/dashboard/status", "Status", lambda _: dated(status_document(checks)))


def _history(services: Services, query: Query) -> Document:
    span = query.chosen("range", STEPS, "5m")
    of_all = services.fleet.history(cast(Range, span))
    return dated(services.snapshot.history.document(span) if of_all is None else of_all)


def _me(services: Services, guard: ActionGuard, query: Query) -> Document:
    key = query.key
    return dated(
        {
            "key": key and key.name,
            "roles": roles_of(key),
            "actions": permission(guard.why_not(key)),
            "produce": permission(why_no_produce(key)),
            "topics": key and list(key.topics),
            "instance": services.instance,
            "fleet": services.fleet.why_off is None,
        }
    )
