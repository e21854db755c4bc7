"""The pages of errors: all groups of them, and one with its traceback."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import quote

from app.api.problems import Refusal
from app.api.services import Services
from app.dashboard.dated import dated
from app.dashboard.documents import Document
from app.dashboard.instance_pages import for_many
from app.dashboard.pages import Page
from app.dashboard.queries import Query, Row, TableSpec

COLUMNS = (
    *("id", "class", "kind", "message", "group", "topic", "partition", "offset", "consumer"),
    *("first_at", "last_at", "count", "instance"),
)
ERRORS = TableSpec(COLUMNS, sort="-last_at")
FILTERS = ("group", "topic", "class", "instance")


def error_pages(services: Services) -> Iterator[Page]:
    """Every page of errors."""
    yield Page("/dashboard/errors", "Errors", partial(_errors, services), ERRORS, filters=FILTERS)
    yield Page("/dashboard/errors/{id}", "Error", partial(_error, services))


async def _errors(services: Services, query: Query) -> Document:
    rows: list[Row] = [
        *services.snapshot.error_groups.rows(),
        *({column: row.get(column) for column in COLUMNS} for row in services.fleet.errors()),
    ]
    shown = [row for row in rows if all(row[name] == value for name, value in query.filters.items() if value)]
    return dated({"table": await for_many(len(rows), lambda: query.table(shown, len(rows)))})


def _error(services: Services, query: Query) -> Document:
    identity = query.path["id"]
    found: Row | None = services.snapshot.error_groups.one(identity)
    if found is None:
        found = next((row for row in services.fleet.errors() if row["id"] == identity), None)
    if found is None:
        raise Refusal("not_found", "This error is not kept, or no longer; /dashboard/errors lists those that are")
    return dated({**found, "message_path": _message_path(found)})


def _message_path(row: Row) -> str | None:
    """Where the explorer shows the message; None where the error is not that of a message."""
    topic: Any = row["topic"]
    if topic is None or row["partition"] is None or row["offset"] is None:
        return None
    return f"/dashboard/topics/{quote(topic, safe='')}?partition={row['partition']}&offset={row['offset']}"
