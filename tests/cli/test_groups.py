"""`demijohn groups` on a real Kafka, with kafka-consumer-groups as the witness."""

from __future__ import annotations

import json
from typing import NamedTuple

import pytest

from app.cli.connecting import connect_admin
from app.messages import TopicPartition
from app.producer import Producer
from app.settings import Settings
from tests.cli.commands import demijohn
from tests.conftest import MakeTopic
from tests.kafka_tools import describe_group


class Behind(NamedTuple):
    """A group without members that has committed 3 of the 10 records of its only partition."""

    servers: str
    group: str
    topic: str

    async def committed(self, group: str = "") -> int | None:
        return (await describe_group(self.servers, group or self.group, self.topic))[0].committed


@pytest.fixture
async def behind(kafka: str, settings: Settings, make_topic: MakeTopic, producer: Producer) -> Behind:
    topic = await make_topic(config={"retention.ms": "-1"})  # its records are of 1970
    await producer.produce_many_sync([{"topic": topic, "payload": n, "timestamp": 1000 * n} for n in range(10)])
    async with connect_admin(settings) as admin:
        await admin.alter_offsets(f"g-{topic}", {TopicPartition(topic, 0): 3}, timeout_s=10)
    return Behind(kafka, f"g-{topic}", topic)


async def test_the_lag_of_each_partition_is_shown(behind: Behind) -> None:
    done = await demijohn("groups", "lag", behind.group, "--json", servers=behind.servers)
    row = {"topic": behind.topic, "partition": 0, "committed": 3, "end": 10, "lag": 7, "member": None}
    assert (done.code, json.loads(done.out)) == (0, [row]), done
    listed = json.loads((await demijohn("groups", "list", "--json", servers=behind.servers)).out)
    assert {"group": behind.group, "members": 0}.items() <= next(
        r for r in listed if r["group"] == behind.group
    ).items()


@pytest.mark.parametrize(
    ("place", "new", "again", "skipped"),
    [
        ("earliest", 0, 3, 0),
        ("latest", 10, 0, 7),
        ("5", 5, 0, 2),
        ("1970-01-01T00:00:02Z", 2, 1, 0),
        ("99", 10, 0, 7),
    ],
)
async def test_a_seek_shows_what_it_means_and_moves_only_when_told(
    behind: Behind, place: str, new: int, again: int, skipped: int
) -> None:
    seek = ("groups", "seek", behind.group, behind.topic, "--to", place, "--json")
    shown = await demijohn(*seek, servers=behind.servers)
    row = {"topic": behind.topic, "partition": 0, "old": 3, "new": new, "again": again, "skipped": skipped}
    assert (shown.code, json.loads(shown.out)) == (2, [row]), shown
    assert await behind.committed() == 3
    moved = await demijohn(*seek, "--yes", servers=behind.servers)
    assert moved.code == 0, moved
    assert await behind.committed() == new


async def test_offsets_are_copied_forgotten_and_deleted(behind: Behind) -> None:
    servers, other = behind.servers, f"{behind.group}-renamed"
    copied = await demijohn("groups", "copy", behind.group, other, "--yes", "--json", servers=servers)
    assert json.loads(copied.out) == {"source": behind.group, "target": other, "committed": 1}
    assert await behind.committed(other) == 3
    deleted = await demijohn("groups", "delete", behind.group, "--yes", "--json", servers=servers)
    assert json.loads(deleted.out) == {"deleted": [behind.group]}
    gone = await demijohn("groups", "lag", behind.group, servers=servers)
    assert (gone.code, gone.err) == (1, f"There is no group {behind.group}\n"), gone
    reset = await demijohn("groups", "reset", other, behind.topic, "--yes", "--json", servers=servers)
    assert json.loads(reset.out) == {"group": other, "topic": behind.topic, "forgotten": 1}
    nothing = await demijohn("groups", "reset", other, behind.topic, "--yes", servers=servers)
    assert "committed nothing" in nothing.err or "There is no group" in nothing.err, nothing


@pytest.mark.parametrize("place", ["tomorrow", "2026-01-01T00:00:00", "-1"])
async def test_a_place_that_is_none_is_refused(place: str) -> None:
    done = await demijohn("groups", "seek", "g", "t", "--to", place, servers="127.0.0.1:1")
    assert done.code == 2, done
    assert "neither earliest nor latest" in done.err


async def test_a_topic_that_is_not_there_is_named(behind: Behind) -> None:
    done = await demijohn("groups", "seek", behind.group, "nowhere", "--to", "latest", "--yes", servers=behind.servers)
    assert (done.code, done.err) == (1, "There is no nowhere\n"), done
