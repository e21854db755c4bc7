"""An operator sends a partition elsewhere while its group runs: it is consumed from there, what is committed follows,
and the other partitions are untouched."""

from __future__ import annotations

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
