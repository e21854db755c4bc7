"""The documents of instances, partitions and jobs: every promised member, filters, and one instance alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from app.events import JobStarted, LoopLagMeasured, PartitionProgress, PartitionsAssigned, RetryScheduled
from app.messages import TopicPartition
from tests.api.service import Service

INSTANCE = (
    "instance this host pid version state health started_at uptime_s groups assigned running_jobs utilisation "
    "messages_per_s rss_bytes cpu_percent loop_lag_ms seen_at gone"
)
PARTITION = (
    "group instance topic partition consumer state committed position end lag lag_s trend attempt next_retry_at "
    "job_running_s paused_by"
)
JOB = (
    "instance group topic partition consumer hook state first_offset last_offset messages attempt since running_s "
    "next_retry_at"
)
TABLE = {"rows", "matched", "total", "page", "per_page", "sort"}


def assign(service: Service, partitions: int) -> None:
    """So many partitions of the topic `example`; each has as much lag as its number."""
    at = frozenset(TopicPartition("example", number) for number in range(partitions))
    service.monitor.emit(PartitionsAssigned("demijohn", "l", at))
    for number in range(partitions):
        place = ("demijohn", "example", number, "SomeConsumer")
        service.monitor.emit(PartitionProgress(*place, "waiting", 10, 10, 10, 10 + number, 0))


async def get(service: Service, path: str) -> dict[str, Any]:
    answer = await service.http.get(path)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    assert document["schema_version"] == 1
    assert document["generated_at"].endswith("Z")
    return document


async def test_this_instance_is_in_the_table_of_instances(service: Service) -> None:
    document = await get(service, "/dashboard/consumers")
    assert document["fleet"] == {"on": False, "why_not": "alone in a test"}
    (row,) = document["table"]["rows"]
    assert set(row) == set(INSTANCE.split())
    assert set(document["table"]) == TABLE
    assert (row["instance"], row["this"], row["gone"], row["groups"]) == ("host:1:ab", True, False, ["demijohn"])
    assert row["utilisation"] in (None, 0)  # no job has run; None within the first second


async def test_one_instance_has_its_groups_partitions_and_jobs(service: Service) -> None:
    assign(service, 3)
    service.monitor.emit(JobStarted("demijohn", "j", "SomeConsumer", "example", 1, 5, 9, 5, 1))
    document = await get(service, "/dashboard/consumers/host:1:ab")
    assert set(INSTANCE.split()) | {"groups", "partitions", "jobs"} <= set(document)
    assert (document["assigned"], document["running_jobs"]) == (3, 1)
    assert document["groups"][0]["name"] == "demijohn"
    assert "partitions" not in document["groups"][0]
    assert [row["partition"] for row in document["partitions"]["rows"]] == [2, 1, 0]
    assert set(document["partitions"]["rows"][0]) == set(PARTITION.split())
    assert set(document["jobs"][0]) == set(JOB.split())


async def test_an_unknown_instance_is_404(service: Service) -> None:
    answer = await service.http.get("/dashboard/consumers/nobody:1:ab")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_health_lists_partitions_with_most_lag_first(service: Service) -> None:
    assign(service, 150)
    document = await get(service, "/dashboard/health")
    table = document["table"]
    assert (len(table["rows"]), table["matched"], table["total"], table["sort"]) == (100, 150, 150, "-lag")
    assert [row["lag"] for row in table["rows"][:3]] == [149, 148, 147]
    assert set(table["rows"][0]) == set(PARTITION.split())
    (topic,) = document["topics"]
    assert (topic["group"], topic["topic"], topic["partitions"]) == ("demijohn", "example", 150)
    assert (topic["lag"], topic["states"], topic["trend"]) == (sum(range(150)), {"waiting": 150}, None)


@pytest.mark.parametrize(
    ("query", "matched"),
    [
        ("only=lag", 9),
        ("group=demijohn", 10),
        ("group=other", 0),
        ("topic=example&only=lag", 9),
        ("state=retrying", 1),
        ("state=waiting&q=example", 9),
        ("q=nothing", 0),
        ("state=&only=&topic=", 10),
    ],
)
async def test_health_is_filtered(service: Service, query: str, matched: int) -> None:
    assign(service, 10)
    retry = RetryScheduled("demijohn", "j", "SomeConsumer", "example", 3, 10, 2, 100, datetime.now(UTC))
    service.monitor.emit(retry)
    table = (await get(service, f"/dashboard/health?{query}"))["table"]
    assert (table["matched"], table["total"]) == (matched, 10)


@pytest.mark.parametrize("query", ["only=x", "state=lost", "sort=size", "x=1"])
async def test_a_filter_that_does_not_exist_is_400(service: Service, query: str) -> None:
    for path in ("/dashboard/health", "/dashboard/health?per_page=5&"):
        answer = await service.http.get(f"{path}{'' if path.endswith('&') else '?'}{query}")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_parameter")


async def test_health_as_csv_has_every_row_whatever_they_are(service: Service) -> None:
    assign(service, 1200)
    text = (await service.http.get("/dashboard/health?only=lag", headers={"accept": "text/csv"})).text
    lines = text.splitlines()
    assert lines[0].startswith("group,topic,partition,instance,consumer,state,")
    assert len(lines) == 1200
    assert ",1199," in lines[1]


async def test_a_trend_is_known_after_a_minute(service: Service) -> None:
    def reach(end: int) -> None:
        place = ("demijohn", "example", 0, "SomeConsumer")
        service.monitor.emit(PartitionProgress(*place, "running", 10, 10, 10, end, 0))

    assign(service, 2)
    trends = []
    for end in (20, 18, 30, 40, 40, 41, 15, 12):
        reach(end)
        for _ in range(15):
            service.monitor.emit(LoopLagMeasured(0.1))
        rows = (await get(service, "/dashboard/health?sort=partition"))["table"]["rows"]
        trends.append(rows[0]["trend"])
    assert trends == [None, None, None, "growing", "growing", "steady", "steady", "shrinking"]
    assert (await get(service, "/dashboard/health"))["topics"][0]["trend"] == "shrinking"


async def test_jobs_that_run_and_wait_are_listed(service: Service) -> None:
    assign(service, 3)
    service.monitor.emit(JobStarted("demijohn", "j", "SomeConsumer", "example", 1, 5, 9, 5, 1))
    service.monitor.emit(
        RetryScheduled("demijohn", "j", "SomeConsumer", "example", 2, 10, 2, 100, datetime(2026, 1, 5, tzinfo=UTC))
    )
    table = (await get(service, "/dashboard/jobs"))["table"]
    assert set(table["rows"][0]) == set(JOB.split())
    assert {(row["partition"], row["state"]) for row in table["rows"]} == {(1, "running"), (2, "waiting")}
    waiting = (await get(service, "/dashboard/jobs?state=waiting"))["table"]
    assert [row["next_retry_at"] for row in waiting["rows"]] == ["2026-01-05T00:00:00.000Z"]


async def test_with_kafka_away_every_document_comes_all_the_same(service: Service) -> None:
    service.kafka.reachable = False
    for path in ("/dashboard/consumers", "/dashboard/health", "/dashboard/jobs", "/dashboard/consumers/host:1:ab"):
        await get(service, path)
