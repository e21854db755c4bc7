"""The pages of what this service does: each a function that gives its document."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from app.api.services import Services
from app.dashboard.actions import ActionGuard
from app.dashboard.dated import dated
from app.dashboard.documents import Document
from app.dashboard.negotiation import EVENTS, HTML, JSON
from app.dashboard.pages import Page
from app.dashboard.permissions import permission, roles_of, why_no_produce
from app.dashboard.queries import Query

OVERVIEW = {
    "summary": "What this instance does, as JSON, as a page or as a stream of the JSON",
    "operation_id": "dashboard",
    "tags": ["dashboard"],
    "responses": {200: {"description": "The snapshot", "content": {JSON: {}, HTML: {}, EVENTS: {}}}},
}


def own_pages(services: Services) -> Iterator[Page]:
    """Every page and document of this service itself."""
    yield Page("/dashboard", "Overview", lambda _: services.snapshot.document(), description=OVERVIEW)
    yield Page(
        "/dashboard/api/me",
        "Who I am",
        partial(_me, services, ActionGuard(services.settings, services.state)),
        personal=True,
    )


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
            "fleet": False,
        }
    )
