"""An instance is killed with -9 in the middle of its work: the next one loses nothing and keeps the order."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.scenarios.stage import Stage
from tests.service_process import service
from tests.waiting import until

MESSAGES = 3000
PARTITIONS = 3


def journalled(path: Path) -> list[tuple[int, int, int]]:
    """(partition, offset, payload) of every complete line."""
    text = path.read_text() if path.exists() else ""
    lines = [line.split() for line in text.split("\n")[:-1]]
    return [(int(partition), int(offset), int(payload)) for partition, offset, payload in lines]


async def test_every_message_is_consumed_and_first_deliveries_are_in_order(stage: Stage, tmp_path: Path) -> None:
    topic = await stage.topic(PARTITIONS)
    await stage.producer.produce_many_sync(
        [{"topic": topic, "payload": number, "partition": number % PARTITIONS} for number in range(MESSAGES)]
    )
    path = tmp_path / "journal"
    consuming = {"TOPIC": topic, "JOURNAL": str(path), "JOURNAL_PAUSE_S": "0.05"}
    draw = "tests.scenarios.tables:journal"
    async with service(stage.servers, draw=draw, environment=consuming) as first:
        await until(lambda: len(journalled(path)) > MESSAGES / 4, "a quarter of the messages")
        first.send(signal.SIGKILL)
        assert await first.ended(5) == -signal.SIGKILL
    before = len(journalled(path))
    assert before < MESSAGES
    async with service(stage.servers, draw=draw, environment=consuming) as second:
        await until(lambda: {line[2] for line in journalled(path)} == set(range(MESSAGES)), "all messages", 40)
        second.send(signal.SIGTERM)
        assert await second.ended(10) == 0, second.text
    for partition in range(PARTITIONS):
        offsets = [offset for at, offset, _ in journalled(path) if at == partition]
        assert list(dict.fromkeys(offsets)) == list(range(MESSAGES // PARTITIONS))


async def test_a_killed_member_is_replaced_within_the_session_timeout(stage: Stage, tmp_path: Path) -> None:
    topic = await stage.topic(PARTITIONS)
    path = tmp_path / "journal"
    consuming = {"TOPIC": topic, "JOURNAL": str(path)}
    draw = "tests.scenarios.tables:journal"
    async with (
        service(stage.servers, draw=draw, environment=consuming) as first,
        service(stage.servers, draw=draw, environment=consuming) as second,
    ):
        await first.until_ready()
        await second.until_ready()
        first.send(signal.SIGKILL)
        for number in range(30):
            await stage.producer.produce_sync(topic=topic, payload=number, partition=number % PARTITIONS)
        await until(lambda: {line[2] for line in journalled(path)} == set(range(30)), "all messages", 20)
