"""Every instance's dashboard shows all of them: one that is killed is gone soon, one that hangs while it folds is
replaced, nothing is counted twice, and a command reaches any of them."""

from __future__ import annotations

import signal
import uuid
from contextlib import AsyncExitStack
from typing import Any

from app.kafka.embedded.apache import ApacheCluster
from tests.scenarios.stage import Stage
from tests.service_process import ServiceProcess, service
from tests.waiting import until

TAKEN_OVER_WITHIN_S = 60


class Fleet:
    """Service processes that tell each other of themselves twice a second: one is gone after 3 s of silence."""

    def __init__(self, servers: str, running: AsyncExitStack) -> None:
        self._servers = servers
        self._running = running
        self._name = uuid.uuid4().hex[:8]

    async def start(self, *, create: bool = True) -> ServiceProcess:
        started = service(
            self._servers,
            "--no-consumers",
            dashboard_actions=True,
            fleet="auto",
            fleet_name=self._name,
            fleet_interval_ms=500,
            shutdown_timeout_s=8,
            kafka_create_topics=create,
        )
        process = await self._running.enter_async_context(started)
        await process.until_ready()
        return process


async def document(process: ServiceProcess, path: str) -> dict[str, Any]:
    response = await process.client.get(path, headers={"accept": "application/json"})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def name_of(process: ServiceProcess) -> str:
    name: str = (await document(process, "/dashboard"))["service"]["instance"]
    return name


async def seen(process: ServiceProcess) -> dict[str, tuple[str, bool]]:
    """State of each instance in the table, and whether it is gone."""
    rows = (await document(process, "/dashboard/consumers"))["table"]["rows"]
    return {row["instance"]: (row["state"], row["gone"]) for row in rows}


async def until_seen(process: ServiceProcess, wanted: dict[str, tuple[str, bool]], what: str) -> None:
    async def is_seen() -> bool:
        found = await seen(process)
        return {name: found.get(name) for name in wanted} == wanted

    await until(is_seen, what, TAKEN_OVER_WITHIN_S)


async def produced(process: ServiceProcess) -> float:
    """How many messages the history of the last minutes has, of all instances together."""
    history = await document(process, "/dashboard/api/history?range=5m")
    assert history["scope"] == "fleet", history
    rates = history["series"]["produced_per_s"]
    return round(sum(float(rate or 0) for rate in rates) * float(history["step_s"]), 1)


async def test_one_that_is_killed_is_gone_and_one_that_stops_says_goodbye(stage: Stage) -> None:
    async with AsyncExitStack() as running:
        fleet = Fleet(stage.servers, running)
        processes = [await fleet.start() for _ in range(3)]
        names = [await name_of(process) for process in processes]
        for process in processes:
            await until_seen(process, dict.fromkeys(names, ("running", False)), "all three")
        assert (await document(processes[0], "/dashboard"))["fleet"]["instances"] == 3
        assert "demijohn_fleet_instances 3.0" in (await processes[0].client.get("/metrics")).text
        processes[0].send(signal.SIGKILL)
        await until_seen(processes[1], {names[0]: ("running", True), names[2]: ("running", False)}, "one is gone")
        await until_seen(processes[2], {names[0]: ("running", True), names[1]: ("running", False)}, "one is gone")
        assert (await document(processes[1], "/dashboard"))["fleet"]["instances"] == 2
        processes[2].send(signal.SIGTERM)
        assert await processes[2].ended() == 0
        await until_seen(processes[1], {names[2]: ("stopped", True)}, "one said goodbye")


async def test_whoever_hangs_the_other_folds_and_nothing_is_counted_twice(stage: Stage) -> None:
    topic = await stage.topic()
    async with AsyncExitStack() as running:
        fleet = Fleet(stage.servers, running)
        processes = [await fleet.start() for _ in range(2)]
        names = [await name_of(process) for process in processes]
        for process in processes:
            await until_seen(process, dict.fromkeys(names, ("running", False)), "both")
            for number in range(20):
                assert (await process.produce(topic, number)).status_code == 200
        for hung, other in ((0, 1), (1, 0)):
            processes[hung].send(signal.SIGSTOP)
            await until_seen(processes[other], {names[hung]: ("running", True)}, "the other folds: one is gone")
            processes[hung].send(signal.SIGCONT)
            for process in processes:
                await until_seen(process, dict.fromkeys(names, ("running", False)), "both are back")
        for process in processes:
            await until(lambda process=process: is_produced(process, 40), "each message is counted", 60)  # type: ignore[misc]


async def is_produced(process: ServiceProcess, count: int) -> bool:
    return await produced(process) == count


async def test_a_command_to_any_instance_goes_through_any_other(stage: Stage) -> None:
    async with AsyncExitStack() as running:
        fleet = Fleet(stage.servers, running)
        asked, meant = await fleet.start(), await fleet.start()
        name = await name_of(meant)
        await until_seen(asked, {name: ("running", False)}, "the other")
        path = f"/dashboard/api/instances/{name}/quiet"
        response = await asked.client.post(path, json={"confirm": name})
        assert response.status_code == 202, response.text
        await until_seen(asked, {name: ("quiet", False)}, "it is quiet")
        await meant.until_logged(f"Command quiet of operator@127.0.0.1 through {await name_of(asked)}: done")
        (row,) = (await document(asked, "/dashboard/api/audit"))["audit"]
        assert (row["target"], row["outcome"]) == (name, "done")


async def test_without_topics_it_shows_itself_and_says_why(stage: Stage) -> None:
    async with AsyncExitStack() as running:
        process = await Fleet(stage.servers, running).start(create=False)
        await process.until_logged("The dashboard shows this instance only: demijohn_")
        found = await document(process, "/dashboard/consumers")
        assert (found["fleet"]["on"], [row["this"] for row in found["table"]["rows"]]) == (False, [True])
        assert "cannot be found in Kafka: create them, or set KAFKA_CREATE_TOPICS=true" in found["fleet"]["why_not"]


async def test_while_kafka_is_away_it_shows_itself_and_says_so(own_kafka: ApacheCluster) -> None:
    async with AsyncExitStack() as running:
        fleet = Fleet(own_kafka.bootstrap_servers, running)
        process, other = await fleet.start(), await fleet.start()
        names = [await name_of(process), await name_of(other)]
        await until_seen(process, dict.fromkeys(names, ("running", False)), "both")
        lines = len(process.log)
        own_kafka.pause_node(0)
        await process.until_logged("The dashboard shows this instance only: Kafka does not answer", 60)
        found = await document(process, "/dashboard/consumers")
        assert (found["fleet"]["on"], [row["instance"] for row in found["table"]["rows"]]) == (False, names[:1])
        other.send(signal.SIGTERM)
        assert await other.ended(12) == 0, "a stop is not held up"
        own_kafka.resume_node(0)
        other = await fleet.start()
        names[1] = await name_of(other)
        await until_seen(process, dict.fromkeys(names, ("running", False)), "both are seen again")
        assert len(process.log) - lines < 40, process.text
