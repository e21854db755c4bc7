"""An instance is killed with -9 in the middle of its work: the next one loses nothing and keeps the order."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.scenarios.observed import Observed
from tests.scenarios.stage import Stage
from tests.service_process import service
from tests.waiting import until

MESSAGES = 3000
PARTITIONS = 3
DRAW = "tests.scenarios.tables:journal"


async def test_every_message_is_consumed_and_first_deliveries_are_in_order(stage: Stage, tmp_path: Path) -> None:
    topic = await stage.topic(PARTITIONS)
    observed = Observed(f"g-{topic}")
    messages = [{"topic": topic, "payload": number, "partition": number % PARTITIONS} for number in range(MESSAGES)]
    observed.produced(await stage.producer.produce_many_sync(messages), range(MESSAGES))
    consuming = {"TOPIC": topic, "JOURNAL_WORK_S": "0.05"}
    first_journal = {"JOURNAL": str(observed.journal("first", tmp_path / "first"))}
    second_journal = {"JOURNAL": str(observed.journal("second", tmp_path / "second"))}
    async with service(stage.servers, draw=DRAW, environment=consuming | first_journal) as first:
        await until(lambda: len(observed.given()) > MESSAGES / 4, "a quarter of the messages")
        with observed.trouble("killed", "first"):
            first.send(signal.SIGKILL)
            assert await first.ended(5) == -signal.SIGKILL
    assert len(observed.given()) < MESSAGES
    async with service(stage.servers, draw=DRAW, environment=consuming | second_journal) as second:
        await observed.until_given(range(MESSAGES), 40)
        second.send(signal.SIGTERM)
        assert await second.ended(10) == 0, second.text
    report = await observed.check(stage.servers)
    assert not report.faults, report
    assert report.explained.keys() <= {"killed"}, report


async def test_a_killed_member_is_replaced_within_the_session_timeout(stage: Stage, tmp_path: Path) -> None:
    topic = await stage.topic(PARTITIONS)
    observed = Observed(f"g-{topic}")
    journals = [
        {"TOPIC": topic, "JOURNAL": str(observed.journal(name, tmp_path / name))} for name in ("first", "second")
    ]
    async with (
        service(stage.servers, draw=DRAW, environment=journals[0]) as first,
        service(stage.servers, draw=DRAW, environment=journals[1]) as second,
    ):
        await first.until_ready()
        await second.until_ready()
        with observed.trouble("killed", "first"):
            first.send(signal.SIGKILL)
            assert await first.ended(5) == -signal.SIGKILL
        for number in range(30):
            sent = await stage.producer.produce_sync(topic=topic, payload=number, partition=number % PARTITIONS)
            observed.produced([sent], [number])
        await observed.until_given(range(30), 20)
        second.send(signal.SIGTERM)
        assert await second.ended(10) == 0, second.text
    report = await observed.check(stage.servers)
    assert not report.faults, report
