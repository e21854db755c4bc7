"""Kafka falls silent under sync calls: those still in the queue are 503 before their time, and are not stored."""

from __future__ import annotations

import asyncio

import httpx

from app.kafka.embedded.apache import ApacheCluster
from tests.scenarios.conftest import MakeStage
from tests.scenarios.witness import stored_in
from tests.service_process import service
from tests.waiting import until

WAITING = 20


async def test_what_was_not_handed_over_is_told_and_what_was_waits_on(
    own_kafka: ApacheCluster, make_stage: MakeStage
) -> None:
    stage = await make_stage(own_kafka.bootstrap_servers)
    topic = await stage.topic(partitions=1)
    async with service(own_kafka.bootstrap_servers, "--no-consumers") as process:
        await process.until_ready()

        def send(payload: object, mode: str = "sync") -> asyncio.Task[httpx.Response]:
            query = {"timeout": "30"} if mode == "sync" else {"mode": mode}
            message = {"topic": topic, "payload": payload, "partition": 0}
            return asyncio.create_task(process.client.post("/produce", params=query, json=message))

        async def in_flight() -> bool:
            answer = await process.client.get("/dashboard", headers={"accept": "application/json"})
            return bool(answer.json()["produce"]["in_flight"])

        assert (await send("before")).status_code == 200
        own_kafka.pause_node(0)
        handed_over = send("handed over")
        await until(in_flight, "the first call was taken on")
        waiting = [send(number) for number in range(WAITING)]
        queued = await send("queued", "async")
        async with asyncio.timeout(20):
            answers = [await task for task in waiting]
        assert [(answer.status_code, answer.json()["code"]) for answer in answers] == (
            [(503, "broker_unavailable")] * WAITING
        )
        assert not handed_over.done()
        own_kafka.resume_node(0)
        assert (await handed_over).status_code == 200
        receipt = await process.client.get(queued.headers["location"], headers={"prefer": "wait=20"})
        assert receipt.json()["status"] == "delivered"
    stored = await stored_in(own_kafka.bootstrap_servers, topic)
    assert [record.value for record in stored] == [b'"before"', b'"handed over"', b'"queued"']
