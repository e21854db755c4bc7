"""An operator sends a partition elsewhere while its group runs: it is consumed from there, what is committed follows,
and the other partitions are untouched; any instance may be asked."""

from __future__ import annotations

import uuid
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from tests.history_journal import lines_of
from tests.kafka_tools import describe_group
from tests.scenarios.stage import Stage
from tests.service_process import ServiceProcess, service
from tests.waiting import until

DRAW = "tests.scenarios.tables:journal"
FIRST_MS = 1_700_000_000_000


def given(journal: Path, partition: int) -> list[int]:
    """Offsets of one partition, in the order in which they were given."""
    lines = [line.split() for line in lines_of(journal) if line.startswith("given ")]
    batches = [line[6:] for line in lines if int(line[3]) == partition]
    return [int(one.partition(":")[0]) for batch in batches for one in batch]


async def seek(running: ServiceProcess, topic: str, to: object, *, preview: bool = False) -> dict[str, Any]:
    body = {"group": f"g-{topic}", "topic": topic, "partition": 1, "to": to, "preview": preview}
    response = await running.client.post("/dashboard/api/partitions/seek", json=body)
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.json()
    return document


async def test_it_is_consumed_from_there_and_the_commit_follows(stage: Stage, tmp_path: Path) -> None:
    topic, journal = await stage.topic(2), tmp_path / "journal"
    messages = [
        {"topic": topic, "payload": number, "partition": number % 2, "timestamp": FIRST_MS + 1000 * number}
        for number in range(20)
    ]
    await stage.producer.produce_many_sync(messages)
    environment = {"TOPIC": topic, "JOURNAL": str(journal), "DASHBOARD_ACTIONS": "true"}
    async with service(stage.servers, draw=DRAW, environment=environment) as running:
        await until(lambda: len(given(journal, 0)) + len(given(journal, 1)) == 20, "everything was given")
        preview = await seek(running, topic, {"offset": 4}, preview=True)
        assert (preview["old"], preview["new"], preview["beginning"], preview["end"]) == (10, 4, 0, 10)
        assert (preview["again"], preview["skipped"], preview["applied"]) == (6, 0, False)
        assert (await seek(running, topic, {"offset": 4}))["applied"] is True
        await until(lambda: given(journal, 1) == [*range(10), *range(4, 10)], "from offset 4 again")
        assert (await seek(running, topic, {"timestamp": FIRST_MS + 15_000}))["new"] == 7
        await until(lambda: given(journal, 1)[16:] == [7, 8, 9], "from the time on")
        paused = {"group": f"g-{topic}", "topic": topic, "partition": 1}
        await running.client.post("/dashboard/api/partitions/pause", json=paused)
        assert (await seek(running, topic, "earliest"))["applied"] is True
        committed = await describe_group(stage.servers, f"g-{topic}", topic)
        assert (committed[0].committed, committed[1].committed) == (10, 0)
        assert (await seek(running, topic, "latest"))["skipped"] == 10
        await running.client.post("/dashboard/api/partitions/resume", json=paused)
        await stage.producer.produce_sync(topic=topic, payload=99, partition=1)
        await until(lambda: given(journal, 1)[19:] == [10], "what came after the end")
        assert given(journal, 0) == list(range(10))
        body = {"group": f"g-{topic}", "topic": topic, "partition": 1, "to": {"offset": 12}}
        refused = await running.client.post("/dashboard/api/partitions/seek", json=body)
        assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "to")


async def partitions_of(running: ServiceProcess) -> set[int]:
    groups = (await running.client.get("/dashboard")).json()["consume"]["groups"]
    return {row["partition"] for row in groups[0]["partitions"]}


async def test_who_has_not_the_partition_passes_it_on(stage: Stage, tmp_path: Path) -> None:
    topic, journals = await stage.topic(2), [tmp_path / "first", tmp_path / "second"]
    fleet = {"FLEET": "auto", "FLEET_NAME": uuid.uuid4().hex[:8], "FLEET_INTERVAL_MS": "500"}
    common = {"TOPIC": topic, "DASHBOARD_ACTIONS": "true", "KAFKA_CREATE_TOPICS": "true", **fleet}
    async with AsyncExitStack() as running:
        both = [
            await running.enter_async_context(
                service(stage.servers, draw=DRAW, environment=common | {"JOURNAL": str(journal)})
            )
            for journal in journals
        ]

        for one in both:
            await one.until_ready()

        async def share() -> bool:
            return sorted([sorted(await partitions_of(one)) for one in both]) == [[0], [1]]

        await until(share, "each has a partition", 30)
        await stage.producer.produce_many_sync([{"topic": topic, "payload": n, "partition": 1} for n in range(5)])
        owner = 0 if 1 in await partitions_of(both[0]) else 1
        await until(lambda: given(journals[owner], 1) == [*range(5)], "it was given")

        async def passed_on() -> bool:
            body = {"group": f"g-{topic}", "topic": topic, "partition": 1, "to": {"offset": 3}, "preview": True}
            answer = await both[1 - owner].client.post("/dashboard/api/partitions/seek", json=body)
            return bool(answer.status_code == 200)

        await until(passed_on, "the other knows who has it", 30)
        assert (await seek(both[1 - owner], topic, {"offset": 3}))["applied"] is True
        await until(lambda: given(journals[owner], 1) == [0, 1, 2, 3, 4, 3, 4], "from offset 3 again")
        paused = {"group": f"g-{topic}", "topic": topic, "partition": 1}
        await both[1 - owner].client.post("/dashboard/api/partitions/pause", json=paused)

        async def is_paused() -> bool:
            groups = (await both[owner].client.get("/dashboard")).json()["consume"]["groups"]
            return bool(groups[0]["partitions"][0]["paused_by"])

        await until(is_paused, "the one that has it has paused it")
        assert (await seek(both[1 - owner], topic, {"offset": 1}))["applied"] is True
        assert (await describe_group(stage.servers, f"g-{topic}", topic))[1].committed == 1
        assert given(journals[owner], 1) == [0, 1, 2, 3, 4, 3, 4]
        await both[1 - owner].client.post("/dashboard/api/partitions/resume", json=paused)
        await until(lambda: given(journals[owner], 1)[7:] == [1, 2, 3, 4], "resumed, from there")
