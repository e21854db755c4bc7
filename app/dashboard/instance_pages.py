"""The pages of what instances do: instances, one of them, their partitions and their jobs."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from app.api.problems import Refusal
from app.api.services import Services
from app.dashboard.dated import dated
from app.dashboard.documents import Document
from app.dashboard.pages import Page
from app.dashboard.queries import Query, Row, TableSpec
from app.fleet.view import FleetView, Report
from app.observing.group_figures import rfc_3339

T = TypeVar("T")
INSTANCES = TableSpec(
    (
        *("instance", "this", "host", "pid", "version", "state", "health", "started_at", "uptime_s", "groups"),
        *("assigned", "running_jobs", "utilisation", "messages_per_s", "rss_bytes", "cpu_percent", "loop_lag_ms"),
        *("seen_at", "gone"),
    ),
    sort="instance",
)
PARTITION_COLUMNS = (
    *("group", "topic", "partition", "instance", "consumer", "state", "committed", "position", "end", "lag", "lag_s"),
    *("trend", "attempt", "next_retry_at", "job_running_s", "paused_by"),
)
JOBS = TableSpec(
    (
        *("instance", "group", "topic", "partition", "consumer", "hook", "state", "first_offset", "last_offset"),
        *("messages", "attempt", "since", "running_s", "next_retry_at"),
    ),
    sort="since",
)
ONE_INSTANCE = TableSpec(PARTITION_COLUMNS, sort="-lag", member="partitions")
HEALTH = TableSpec(PARTITION_COLUMNS, sort="-lag")
STATES = ("running", "waiting", "retrying", "paused", "draining")
IN_A_THREAD_FROM = 500
"""Rows. Fewer are sorted in less time than a thread takes to begin."""


def instance_pages(services: Services) -> Iterator[Page]:
    """Every page of what instances do."""
    fleet = services.fleet
    yield Page("/dashboard/consumers", "Consumers", partial(_instances, fleet), INSTANCES, filters=("state", "group"))
    yield Page("/dashboard/consumers/{instance}", "Instance", partial(_instance, fleet), ONE_INSTANCE)
    yield Page("/dashboard/health", "Health", partial(_health, fleet), HEALTH, ("group", "topic", "only", "state"))
    yield Page("/dashboard/jobs", "Jobs", partial(_jobs, fleet), JOBS, filters=("group", "topic", "instance", "state"))


def fleet_state(fleet: FleetView) -> dict[str, Any]:
    """Whether all instances are seen, as it stands in documents."""
    return {"on": fleet.why_off is None, "why_not": fleet.why_off}


def _instances(fleet: FleetView, query: Query) -> Document:
    rows = [instance_row(report) for report in fleet.instances()]
    shown = [
        row for row in rows if _wanted(row, query, "state") and query.filters.get("group") in (None, *row["groups"])
    ]
    return dated({"table": query.table(shown, len(rows)), "fleet": fleet_state(fleet)})


def instance_row(report: Report) -> dict[str, Any]:
    """An instance as a row of their table."""
    known = {"instance": report.instance, "this": report.this, **report.about}
    known |= {"seen_at": rfc_3339(report.seen_at), "gone": report.gone}
    return {column: known.get(column) for column in INSTANCES.columns}


async def _instance(fleet: FleetView, query: Query) -> Document:
    name = query.path["instance"]
    report = next((report for report in fleet.instances() if report.instance == name), None)
    if report is None:
        raise Refusal("not_found", f"No instance {name} is known; /dashboard/consumers lists those that are")
    rows = report.partitions()
    return dated(
        {
            **instance_row(report),
            "groups": report.groups,
            "partitions": await for_many(len(rows), lambda: query.table(rows)),
            "jobs": report.jobs,
            "fleet": fleet_state(fleet),
        }
    )


async def _health(fleet: FleetView, query: Query) -> Document:
    query.chosen("only", ("", "lag"), "")
    query.chosen("state", ("", *STATES), "")
    rows: list[Row] = []
    for report in fleet.instances():
        if not report.gone:
            rows.extend(report.partitions())
            await asyncio.sleep(0)

    def build() -> Document:
        shown = [row for row in rows if _is_wanted_partition(row, query)]
        table = query.table(shown, len(rows))
        return dated({"table": table, "topics": topics_of(rows), "fleet": fleet_state(fleet)})

    return await for_many(len(rows), build)


async def for_many(rows: int, build: Callable[[], T]) -> T:
    """What `build` gives, in a thread where it goes through many rows: the loop goes on meanwhile."""
    return await asyncio.to_thread(build) if rows > IN_A_THREAD_FROM else build()


def _is_wanted_partition(row: Row, query: Query) -> bool:
    if query.filters.get("only") == "lag" and not row["lag"]:
        return False
    return all(_wanted(row, query, name) for name in ("group", "topic", "state"))


def _wanted(row: Row, query: Query, name: str) -> bool:
    """Whether a row has what the filter `name` asks for; an empty one asks for nothing."""
    return row[name] == query.filters[name] if query.filters.get(name) else True


def topics_of(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """The partitions of each group and topic taken together, those with most lag first."""
    by_topic: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        by_topic.setdefault((row["group"], row["topic"]), []).append(row)
    found = [_topic(group, topic, partitions) for (group, topic), partitions in by_topic.items()]
    return sorted(found, key=lambda row: (-(row["lag"] or 0), row["group"], row["topic"]))


def _topic(group: str, topic: str, rows: Sequence[Row]) -> dict[str, Any]:
    lags = [row["lag"] for row in rows if row["lag"] is not None]
    ages = [row["lag_s"] for row in rows if row["lag_s"] is not None]
    trends = {row["trend"] for row in rows}
    return {
        "group": group,
        "topic": topic,
        "partitions": len(rows),
        "lag": sum(lags) if lags else None,
        "lag_s": max(ages, default=None),
        "trend": next((trend for trend in ("growing", "shrinking", "steady") if trend in trends), None),
        "states": dict(Counter(row["state"] for row in rows)),
    }


def _jobs(fleet: FleetView, query: Query) -> Document:
    rows: list[Mapping[str, Any]] = [job for report in fleet.instances() if not report.gone for job in report.jobs]
    query.chosen("state", ("", "running", "waiting"), "")
    shown = [row for row in rows if all(_wanted(row, query, name) for name in ("group", "topic", "instance", "state"))]
    return dated({"table": query.table(shown, len(rows)), "fleet": fleet_state(fleet)})
