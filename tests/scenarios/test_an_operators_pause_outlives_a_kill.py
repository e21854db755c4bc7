"""A partition that an operator has paused stays paused over kill -9, a restart and a rebalance to another instance;
resumed, it goes on where it stood, and nothing is lost or given twice."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

from tests.scenarios.observed import Observed
from tests.scenarios.stage import Stage
from tests.service_process import ServiceProcess, service
from tests.waiting import until

DRAW = "tests.scenarios.tables:journal"
ACT = {"DASHBOARD_ACTIONS": "true", "KAFKA_CREATE_TOPICS": "true"}


async def pause(running: ServiceProcess, what: str, **where: object) -> dict[str, Any]:
    response = await running.client.post(f"/dashboard/api/partitions/{what}", json=where)
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.json()
    return document


async def partition_row(running: ServiceProcess, partition: int) -> dict[str, Any]:
    (group,) = (await running.client.get("/dashboard")).json()["consume"]["groups"]
    rows = {row["partition"]: row for row in group["partitions"]}
    found: dict[str, Any] = rows.get(partition, {})
    return found


async def test_it_stays_paused_over_a_kill_and_goes_on_where_it_stood(stage: Stage, tmp_path: Path) -> None:
    topic = await stage.topic(2)
    observed = Observed(f"g-{topic}")

    async def send(*numbers: int) -> None:
        messages = [{"topic": topic, "payload": number, "partition": number % 2} for number in numbers]
        observed.produced(await stage.producer.produce_many_sync(messages), numbers)

    journals = [{**ACT, "TOPIC": topic, "JOURNAL": str(observed.journal(name, tmp_path / name))} for name in ("a", "b")]
    where = {"group": observed.group, "topic": topic, "partition": 1}
    await send(*range(10))
    async with service(stage.servers, draw=DRAW, environment=journals[0]) as first:
        await first.until_ready()
        await observed.until_given(range(10))
        document = await pause(first, "pause", **where)
        assert document["kept"], document
        await send(*range(10, 20))
        await observed.until_given(range(10, 20, 2))
        await until(lambda: committed_is(first, 5), "what was done before the pause is committed")
        with observed.trouble("killed", "a"):
            first.send(signal.SIGKILL)
            await first.ended(5)
    async with service(stage.servers, draw=DRAW, environment=journals[1]) as second:
        await second.until_ready()
        await send(*range(20, 30))
        await observed.until_given(range(20, 30, 2))
        row = await partition_row(second, 1)
        assert (row["state"], row["paused_by"]) == ("paused", "operator@127.0.0.1")
        assert not observed.given() & {str(number) for number in range(11, 30, 2)}
        assert (await pause(second, "resume", **where))["partitions"][0]["paused_by"] is None
        await observed.until_given(range(30))
        await until(lambda: committed_is(second, 15), "all of it is committed")
        second.send(signal.SIGTERM)
        assert await second.ended(15) == 0, second.text
    report = await observed.check(stage.servers)
    assert not report.faults, report


async def committed_is(running: ServiceProcess, offset: int) -> bool:
    return (await partition_row(running, 1)).get("committed") == offset


async def test_the_instance_that_takes_it_over_heeds_the_pause(stage: Stage, tmp_path: Path) -> None:
    topic = await stage.topic(2)
    group, written = f"g-{topic}", Observed(f"g-{topic}")
    environments = [
        {**ACT, "TOPIC": topic, "JOURNAL": str(written.journal(name, tmp_path / name))} for name in ("a", "b")
    ]
    async with (
        service(stage.servers, draw=DRAW, environment=environments[0]) as first,
        service(stage.servers, draw=DRAW, environment=environments[1]) as second,
    ):
        await first.until_ready()
        await second.until_ready()
        await pause(first, "pause", group=group, topic=topic)
        first.send(signal.SIGTERM)
        assert await first.ended(15) == 0, first.text
        await until(lambda: both_paused(second), "the other instance has both partitions, paused")
        await stage.producer.produce_sync(topic=topic, payload=0, partition=0)
        await stage.producer.produce_sync(topic=topic, payload=1, partition=1)
        await pause(second, "resume", group=group, topic=topic, partition=0)
        await written.until_given([0])
        assert written.given() == {"0"}
        assert (await partition_row(second, 1))["paused_by"] == "operator@127.0.0.1"
        await pause(second, "resume", group=group, topic=topic)
        await written.until_given([0, 1])


async def both_paused(running: ServiceProcess) -> bool:
    rows = [await partition_row(running, number) for number in (0, 1)]
    return all(row.get("state") == "paused" for row in rows)
