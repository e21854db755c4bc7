"""An operator quiets an instance: it keeps serving HTTP, finishes its jobs and begins no other; stopped, it ends as
after SIGTERM, with 0, and nothing is lost or given twice."""

from __future__ import annotations

from pathlib import Path

from tests.scenarios.observed import Observed
from tests.scenarios.stage import Stage
from tests.service_process import ServiceProcess, service
from tests.waiting import until

DRAW = "tests.scenarios.tables:journal"


async def act(running: ServiceProcess, what: str) -> int:
    name = (await running.client.get("/dashboard")).json()["service"]["instance"]
    return (await running.client.post(f"/dashboard/api/instances/{name}/{what}", json={"confirm": name})).status_code


async def state(running: ServiceProcess) -> str:
    return str((await running.client.get("/dashboard")).json()["service"]["state"])


async def test_a_quiet_instance_serves_on_and_stops_in_order(stage: Stage, tmp_path: Path) -> None:
    topic = await stage.topic(2)
    observed = Observed(f"g-{topic}")
    journals = [
        {"TOPIC": topic, "JOURNAL": str(observed.journal(name, tmp_path / name)), "DASHBOARD_ACTIONS": "true"}
        for name in ("a", "b")
    ]

    async def send(*numbers: int) -> None:
        messages = [{"topic": topic, "payload": number, "partition": number % 2} for number in numbers]
        observed.produced(await stage.producer.produce_many_sync(messages), numbers)

    async with service(stage.servers, draw=DRAW, environment=journals[0]) as first:
        await send(*range(10))
        await observed.until_given(range(10))
        assert await act(first, "quiet") == 202

        async def quiet() -> bool:
            return await state(first) == "quiet"

        await until(quiet, "it is quiet")
        await send(*range(10, 20))
        assert (await first.produce(topic, 20, partition=0)).status_code == 200
        assert (await first.client.get("/health/ready")).status_code == 503
        assert observed.given() == {str(number) for number in range(10)}
        assert await act(first, "stop") == 202
        assert await first.ended(15) == 0, first.text
    async with service(stage.servers, draw=DRAW, environment=journals[1]) as second:
        await observed.until_given(range(21))
        assert await act(second, "stop") == 202
        assert await second.ended(15) == 0, second.text
    assert observed.given("b") == {str(number) for number in range(10, 21)}
