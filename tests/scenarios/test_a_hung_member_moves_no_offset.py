"""A member hangs longer than its session and wakes up: its late commit moves no offset, and it does no more of what is
another's by then."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.scenarios.observed import Observed
from tests.scenarios.stage import Stage
from tests.service_process import service
from tests.waiting import until

PARTITIONS = 2
ROUND = 2000


async def send_round(stage: Stage, topic: str, number: int, observed: Observed) -> range:
    payloads = range(number * ROUND, (number + 1) * ROUND)
    messages = [{"topic": topic, "payload": payload, "partition": payload % PARTITIONS} for payload in payloads]
    observed.produced(await stage.producer.produce_many_sync(messages), payloads)
    return payloads


async def test_what_it_held_is_done_elsewhere_and_it_works_again_afterwards(stage: Stage, tmp_path: Path) -> None:
    topic = await stage.topic(PARTITIONS)
    observed = Observed(f"g-{topic}")
    environments = [
        {"TOPIC": topic, "JOURNAL_WORK_S": "0.1", "JOURNAL": str(observed.journal(name, tmp_path / name))}
        for name in ("hanging", "other")
    ]
    draw = "tests.scenarios.tables:journal"
    async with (
        service(stage.servers, draw=draw, environment=environments[0]) as hanging,
        service(stage.servers, draw=draw, environment=environments[1]) as other,
    ):
        await hanging.until_ready()
        await other.until_ready()
        first = await send_round(stage, topic, 0, observed)
        await until(lambda: len(observed.given("hanging")) > ROUND / 8, "the first member at work")
        with observed.trouble("hung", "hanging"):
            hanging.send(signal.SIGSTOP)
            second = await send_round(stage, topic, 1, observed)
            await observed.until_given([*first, *second])
            held = observed.given("hanging")
            hanging.send(signal.SIGCONT)
            await hanging.until_logged("The commit was refused")
        third = await send_round(stage, topic, 2, observed)
        await observed.until_given(third)
        for process in (hanging, other):
            process.send(signal.SIGTERM)
            assert await process.ended(10) == 0, process.text
    later = observed.given("hanging") - held
    assert later, "the woken member has work again"
    assert later <= set(map(str, third)), "and none that has gone to the other"
    report = await observed.check(stage.servers)
    assert not report.faults, report
    assert report.explained.keys() == {"hung"}
