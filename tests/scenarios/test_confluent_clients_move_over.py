"""A client of Confluent's REST Proxy v2 moves over: it produces, and reads topics, partitions and offsets."""

from __future__ import annotations

import base64
from typing import Any

from tests.scenarios.stage import Stage
from tests.service_process import service


async def test_records_are_stored_and_topics_partitions_and_offsets_are_read(kafka: str, stage: Stage) -> None:
    topic = await stage.topic(2, {"retention.ms": "3600000"})
    async with service(kafka, "--no-consumers") as process:
        await process.until_ready()
        records: list[dict[str, Any]] = [
            {"key": "k", "value": {"n": 1}, "partition": 0},
            {"value": None, "partition": 0},
            {"value": 1, "partition": 5},
        ]
        answer = await process.client.post(
            f"/topics/{topic}",
            json={"records": records},
            headers={"content-type": "application/vnd.kafka.json.v2+json"},
        )
        assert answer.status_code == 200
        assert [(one["offset"], one["error_code"]) for one in answer.json()["offsets"]] == [
            (0, None),
            (1, None),
            (None, 50002),
        ]
        binary = await process.client.post(
            f"/topics/{topic}/partitions/1",
            json={"records": [{"value": base64.b64encode(b"\xff").decode()}]},
            headers={"content-type": "application/vnd.kafka.binary.v2+json"},
        )
        assert binary.json()["offsets"] == [{"partition": 1, "offset": 0, "error_code": None, "error": None}]
        await reads_are_right(process.client, topic)


async def reads_are_right(client: Any, topic: str) -> None:
    async def get(path: str) -> Any:
        response = await client.get(path)
        assert response.status_code == 200, response.text
        return response.json()

    assert topic in await get("/topics")
    described = await get(f"/topics/{topic}")
    assert described["configs"]["retention.ms"] == "3600000"
    brokers = (await get("/brokers"))["brokers"]
    assert [one["partition"] for one in described["partitions"]] == [0, 1]
    for one in described["partitions"]:
        assert one["leader"] in brokers
        assert {"broker": one["leader"], "leader": True, "in_sync": True} in one["replicas"]
        assert await get(f"/topics/{topic}/partitions/{one['partition']}") == one
    assert await get(f"/topics/{topic}/partitions") == described["partitions"]
    assert await get(f"/topics/{topic}/partitions/0/offsets") == {"beginning_offset": 0, "end_offset": 2}
    assert await get(f"/topics/{topic}/partitions/1/offsets") == {"beginning_offset": 0, "end_offset": 1}
    assert (await client.get(f"/topics/{topic}x")).json()["error_code"] == 40401
    assert (await client.get(f"/topics/{topic}/partitions/2/offsets")).json()["error_code"] == 40402
