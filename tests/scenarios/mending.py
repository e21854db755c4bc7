"""A topic whose messages all fail at first, so that they become dead letters, and are mended later."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from tests.history_journal import lines_of
from tests.scenarios.stage import Stage
from tests.service_process import ServiceProcess
from tests.waiting import until

DRAW = "tests.scenarios.tables:mended"
MESSAGES = 30


def consumed(journal: Path) -> Counter[str]:
    """How often each payload was finished."""
    lines = [line.split() for line in lines_of(journal)]
    given = {
        (line[3], one.partition(":")[0]): one.partition(":")[2]
        for line in lines
        for one in line[6:]
        if line[0] == "given"
    }
    return Counter(given[line[3], line[5]] for line in lines if line[0] == "finished")


async def redrive(running: ServiceProcess, dlq: str, **body: object) -> dict[str, Any]:
    """Begins one and waits until it is over."""
    body = {"records": "all", **body}
    begun = await running.client.post(f"/dashboard/api/dead-letters/{dlq}/redrive", json=body)
    assert begun.status_code == 202, begun.text
    path = f"/dashboard/api/redrives/{begun.json()['id']}"
    found: dict[str, Any] = {}

    async def over() -> bool:
        found.update((await running.client.get(path)).json())
        return bool(found["state"] != "running")

    await until(over, "the redrive is over")
    return found


class Table:
    """A topic, its DLQ with three partitions, and what services of it are told."""

    def __init__(self, topic: str, dlq: str, directory: Path) -> None:
        self.topic, self.dlq = topic, dlq
        self.journal, self.fixed = directory / "journal", directory / "fixed"
        self.environment = {
            "TOPIC": topic,
            "DLQ": dlq,
            "JOURNAL": str(self.journal),
            "FIXED": str(self.fixed),
            "DASHBOARD_ACTIONS": "true",
            "KAFKA_CREATE_TOPICS": "true",
        }


async def fail_all(stage: Stage, table: Table, running: ServiceProcess) -> None:
    """Sends messages, and waits until all of them are dead letters."""
    await running.until_live()
    await stage.producer.produce_many_sync(
        [
            {
                "topic": table.topic,
                "payload": number,
                "partition": number % 2,
                "key": f"k{number}",
                "headers": [("a", "1"), ("a", "2")],
                "timestamp": 1_700_000_000_000 + number,
            }
            for number in range(MESSAGES)
        ]
    )

    async def all_dead() -> bool:
        rows = (await running.client.get("/dashboard")).json()["dead_letters"]
        return bool(sum(row["dispatched"] for row in rows) == MESSAGES)

    await until(all_dead, "all are dead letters")
