"""What failed is mended and sent back from the DLQ: each message is consumed exactly once, also where the process that
sends them is killed with -9 in the middle, before or after a commit, and the redrive is begun again."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.history_journal import lines_of
from tests.kafka_tools import console_consumer
from tests.scenarios.stage import Stage
from tests.service_process import ServiceProcess, service
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


@pytest.fixture
async def table(stage: Stage, tmp_path: Path) -> Table:
    return Table(await stage.topic(2), await stage.topic(3, prefix="dlq"), tmp_path)


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


async def test_what_was_mended_is_consumed_and_nothing_goes_twice(stage: Stage, table: Table) -> None:
    async with service(stage.servers, draw=DRAW, environment=table.environment) as running:
        await fail_all(stage, table, running)
        table.fixed.touch()
        dry = await redrive(running, table.dlq, dry_run=True)
        assert (dry["state"], dry["total"], dry["done"], dry["kept"]) == ("done", MESSAGES, MESSAGES, True)
        assert consumed(table.journal) == Counter()
        some = await redrive(running, table.dlq, records=[[0, 3], [1, 4], [0, 3], [0, 99]])
        assert (some["total"], some["done"], some["failed"]) == (3, 2, 1), some
        rest = await redrive(running, table.dlq)
        assert (rest["state"], rest["done"], rest["skipped"], rest["failed"]) == ("done", MESSAGES - 2, 2, 0), rest
        await until(lambda: len(consumed(table.journal)) == MESSAGES, "all are consumed")
        again = await redrive(running, table.dlq)
        assert (again["done"], again["skipped"]) == (0, MESSAGES)
        running.send(signal.SIGTERM)
        assert await running.ended(15) == 0, running.text
    assert set(consumed(table.journal).values()) == {1}
    lines = await console_consumer(stage.servers, table.topic, 2 * MESSAGES)
    texts = Counter(line.split("\t")[-1] for line in lines)
    assert set(texts.values()) == {2}, "each once sent and once sent back"
    assert {line.split("\t")[2] for line in lines} == {"a:1,a:2"}, "the headers are those that were sent"


@pytest.mark.parametrize("step", ["commit", "committed"])
async def test_a_kill_in_the_middle_neither_loses_nor_doubles(stage: Stage, table: Table, step: str) -> None:
    async with service(stage.servers, draw=DRAW, environment=table.environment) as first:
        await fail_all(stage, table, first)
        first.send(signal.SIGTERM)
        await first.ended(15)
    table.fixed.touch()
    dying = {**table.environment, "DIE_AT": step}
    async with service(stage.servers, "--no-consumers", draw=DRAW, environment=dying) as second:
        await second.until_ready()
        body = {"records": "all", "rate_per_s": 25}
        await second.client.post(f"/dashboard/api/dead-letters/{table.dlq}/redrive", json=body)
        assert await second.ended(20) == -signal.SIGKILL
    async with service(stage.servers, draw=DRAW, environment=table.environment) as third:
        await third.until_ready()
        rest = await redrive(third, table.dlq)
        assert (rest["state"], rest["done"] + rest["skipped"], rest["failed"]) == ("done", MESSAGES, 0), rest
        assert 0 < rest["skipped"] < MESSAGES, rest
        await until(lambda: len(consumed(table.journal)) == MESSAGES, "all are consumed")
        third.send(signal.SIGTERM)
        assert await third.ended(15) == 0, third.text
    assert set(consumed(table.journal).values()) == {1}
