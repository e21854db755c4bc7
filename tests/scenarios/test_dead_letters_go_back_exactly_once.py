"""What failed is mended and sent back from the DLQ: each message is consumed exactly once, also where the process that
sends them is killed with -9 in the middle, before or after a commit, and the redrive is begun again."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path

import pytest

from tests.kafka_tools import console_consumer
from tests.scenarios.mending import DRAW, MESSAGES, Table, consumed, fail_all, redrive
from tests.scenarios.stage import Stage
from tests.service_process import service
from tests.waiting import until


@pytest.fixture
async def table(stage: Stage, tmp_path: Path) -> Table:
    return Table(await stage.topic(2), await stage.topic(3, prefix="dlq"), tmp_path)


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
