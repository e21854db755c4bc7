"""More calls than may be in flight: those above are 503 `overloaded` at once, those accepted are stored, once each."""

from __future__ import annotations

import asyncio
from collections import Counter

import httpx

from app.kafka.embedded.apache import ApacheCluster
from tests.scenarios.conftest import MakeStage
from tests.scenarios.stage import Stage
from tests.scenarios.witness import stored_in
from tests.service_process import ServiceProcess, service
from tests.waiting import until

LIMIT = 6
ABOVE = 30
CALLERS, CALLS_EACH = 24, 4


def is_overloaded(answer: httpx.Response) -> bool:
    problem = answer.json()
    return (
        (answer.status_code, problem["code"], problem["retriable"]) == (503, "overloaded", True)
        and answer.headers["retry-after"] == "1"
        and "connection" not in answer.headers
    )


async def in_flight(process: ServiceProcess) -> int:
    answer = await process.client.get("/dashboard", headers={"accept": "application/json"})
    return int(answer.json()["produce"]["in_flight"])


async def test_calls_above_the_limit_are_refused_while_those_below_still_wait(
    own_kafka: ApacheCluster, make_stage: MakeStage
) -> None:
    stage = await make_stage(own_kafka.bootstrap_servers)
    topic = await stage.topic(partitions=LIMIT)
    async with service(own_kafka.bootstrap_servers, "--no-consumers", http_max_in_flight=LIMIT) as process:
        await process.until_ready()

        def send(payload: str, partition: int) -> asyncio.Task[httpx.Response]:
            message = {"topic": topic, "payload": payload, "partition": partition}
            return asyncio.create_task(process.client.post("/produce", params={"timeout": "30"}, json=message))

        for partition in range(LIMIT):
            assert (await send("first", partition)).status_code == 200
        own_kafka.pause_node(0)
        accepted = [send("accepted", partition) for partition in range(LIMIT)]

        async def all_are_in_flight() -> bool:
            return await in_flight(process) == LIMIT

        await until(all_are_in_flight, "as many calls as may be are in flight")
        refused = await asyncio.gather(*(send("refused", number % LIMIT) for number in range(ABOVE)))
        assert all(map(is_overloaded, refused))
        assert not any(call.done() for call in accepted)
        own_kafka.resume_node(0)
        assert [answer.status_code for answer in await asyncio.gather(*accepted)] == [200] * LIMIT
        assert (await send("after", 0)).status_code == 200
    stored = Counter(record.value for record in await stored_in(own_kafka.bootstrap_servers, topic))
    assert stored == {b'"first"': LIMIT, b'"accepted"': LIMIT, b'"after"': 1}


async def test_whoever_tries_again_is_taken_in_the_end_and_stored_once(kafka: str, stage: Stage) -> None:
    topic = await stage.topic(partitions=6)
    refusals = 0
    async with service(kafka, "--no-consumers", http_max_in_flight=4, producer_linger_ms=5) as process:
        await process.until_ready()

        async def call(payload: str) -> None:
            nonlocal refusals
            while (answer := await process.produce(topic, payload)).status_code != 200:
                assert is_overloaded(answer), answer.text
                refusals += 1
                await asyncio.sleep(0.01)

        async def caller(number: int) -> None:
            for call_number in range(CALLS_EACH):
                await call(f"{number}-{call_number}")

        await asyncio.gather(*map(caller, range(CALLERS)))
        metrics = (await process.client.get("/metrics")).text
        assert f'demijohn_http_refused_total{{code="overloaded"}} {refusals}.0' in metrics
        assert "demijohn_produce_in_flight 0.0" in metrics
    assert refusals
    stored = Counter(record.value for record in await stored_in(kafka, topic))
    assert stored == Counter(f'"{number}-{each}"'.encode() for number in range(CALLERS) for each in range(CALLS_EACH))
