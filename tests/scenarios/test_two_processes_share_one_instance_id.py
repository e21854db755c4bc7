"""Of two processes with one instance id exactly one goes on within a minute; the other says why, and follows it."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from tests.history_journal import lines_of
from tests.scenarios.stage import Stage
from tests.service_process import ServiceProcess, service
from tests.waiting import until


async def refused(process: ServiceProcess) -> bool:
    """Whether it is not ready, for the duplicate alone, and live."""
    ready = await process.client.get("/health/ready")
    if ready.status_code == 200 or [reason["code"] for reason in ready.json()["reasons"]] != ["duplicate_instance_id"]:
        return False
    return (await process.client.get("/health/live")).status_code == 200


async def test_one_consumes_and_the_other_waits_for_its_place(stage: Stage, tmp_path: Path) -> None:
    topic = await stage.topic(2)
    path = tmp_path / "journal"
    consuming = {"TOPIC": topic, "JOURNAL": str(path)}
    draw = "tests.scenarios.tables:journal"

    def payloads() -> list[int]:
        given = [line.split()[6:] for line in lines_of(path) if line.startswith("given ")]
        return [int(record.partition(":")[2]) for records in given for record in records]

    async with (
        service(stage.servers, draw=draw, environment=consuming, consumer_instance_id="pod-0") as first,
        service(stage.servers, draw=draw, environment=consuming, consumer_instance_id="pod-0") as second,
    ):
        await first.until_live()
        await second.until_live()

        async def one_is_refused() -> bool:
            return sorted(await asyncio.gather(refused(first), refused(second))) == [False, True]

        await until(one_is_refused, "one steps back", 60)
        waiting, working = (first, second) if await refused(first) else (second, first)
        await working.until_ready()
        for number in range(20):
            await stage.producer.produce_sync(topic=topic, payload=number, partition=number % 2)
        await until(lambda: set(payloads()) == set(range(20)), "every message is consumed")
        assert sorted(payloads()) == list(range(20)), "once: nobody fights any more"
        assert await one_is_refused()
        assert "another live client uses the instance id pod-0-" in waiting.text
        working.send(signal.SIGTERM)
        assert await working.ended(15) == 0, working.text
        await waiting.until_ready(90)
        await stage.producer.produce_sync(topic=topic, payload=20)
        await until(lambda: payloads()[-1] == 20, "the other has taken the place")
