"""A DLQ is redriven at two instances at once: the redrive that began first ends, and each message is consumed once."""

from __future__ import annotations

from pathlib import Path

from tests.scenarios.mending import DRAW, MESSAGES, Table, consumed, fail_all, redrive
from tests.scenarios.stage import Stage
from tests.service_process import service
from tests.waiting import until


async def test_the_first_one_ends_and_nothing_goes_twice(stage: Stage, tmp_path: Path) -> None:
    table = Table(await stage.topic(2), await stage.topic(3, prefix="dlq"), tmp_path)
    path = f"/dashboard/api/dead-letters/{table.dlq}/redrive"
    async with (
        service(stage.servers, draw=DRAW, environment=table.environment) as first,
        service(stage.servers, "--no-consumers", draw=DRAW, environment=table.environment) as second,
    ):
        await fail_all(stage, table, first)
        await second.until_ready()
        table.fixed.touch()
        begun = (await first.client.post(path, json={"records": "all", "rate_per_s": 5})).json()
        watched = f"/dashboard/api/redrives/{begun['id']}"

        async def some_sent() -> bool:
            return bool((await first.client.get(watched)).json()["done"] > 2)

        await until(some_sent, "the first redrive has sent some")
        rest = await redrive(second, table.dlq)
        assert (rest["state"], rest["failed"]) == ("done", 0), rest
        assert rest["skipped"] > 2
        assert rest["done"] + rest["skipped"] == MESSAGES

        async def over() -> bool:
            return bool((await first.client.get(watched)).json()["state"] != "running")

        await until(over, "the first redrive is over")
        ended = (await first.client.get(watched)).json()
        assert (ended["state"], "Another redrive" in ended["detail"]) == ("failed", True), ended
        await until(lambda: len(consumed(table.journal)) == MESSAGES, "all are consumed")
    assert set(consumed(table.journal).values()) == {1}
