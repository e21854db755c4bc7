"""`demijohn topics` on a real Kafka: what is declared is planned, made, and found as declared."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest

from tests.cli.commands import Done, demijohn


class Declared:
    """A package of a team with one declared topic of a name that nobody has used, and the command line on it."""

    def __init__(self, directory: Path, servers: str) -> None:
        self.topic = f"t-{uuid.uuid4().hex[:10]}"
        self._directory = directory
        self.servers = servers

    def declare(self, options: str, topic: str = "") -> None:
        text = f"def declare(topics):\n    topics.topic({topic or self.topic!r}, {options})\n"
        (self._directory / "declared.py").write_text(text)

    async def run(self, *arguments: str) -> Done:
        settings = {"servers": self.servers, "declared_topics": "declared:declare"}
        return await demijohn("topics", *arguments, cwd=self._directory, **settings)


@pytest.fixture
def declared(tmp_path: Path, kafka: str) -> Declared:
    return Declared(tmp_path, kafka)


async def test_a_topic_is_planned_made_changed_and_as_declared(declared: Declared) -> None:
    topic = declared.topic
    declared.declare('partitions=2, config={"retention.ms": 86400000}')
    planned = await declared.run("plan")
    assert (planned.code, planned.out.split(" (")[0]) == (2, f"create {topic}"), planned
    assert (await declared.run("migrate")).code == 2  # nobody can be asked
    made = await declared.run("migrate", "--yes", "--json")
    assert made.code == 0, made
    assert [step["topic"] for step in json.loads(made.out)["steps"]] == [topic]
    assert await declared.run("plan") == Done(0, "Every declared topic is as declared.\n", "")

    declared.declare('partitions=3, config={"retention.ms": 1000}')
    changes = await declared.run("plan", "--json")
    steps = [step["step"] for step in json.loads(changes.out)["steps"]]
    assert steps == [f"add partitions to {topic}: 2 -> 3", f"set retention.ms of {topic}: 86400000 -> 1000"]
    migrated = await declared.run("migrate", "--yes")
    assert migrated.code == 0, migrated
    assert f"keys of {topic} move" in migrated.err
    assert (await declared.run("plan")).code == 0

    declared.declare("partitions=1")
    assert "Kafka cannot take any away" in (await declared.run("plan")).err
    assert (await declared.run("migrate", "--yes")).code == 2


async def test_only_what_is_declared_and_named_is_deleted(declared: Declared) -> None:
    declared.declare("partitions=1")
    created = await declared.run("create", "--json")
    assert [step["topic"] for step in json.loads(created.out)["steps"]] == [declared.topic]
    assert json.loads((await declared.run("repartition", "--json")).out) == {"steps": []}
    stranger = await declared.run("delete", "--yes", "not-declared")
    assert (stranger.code, "not-declared: is not declared" in stranger.err) == (1, True), stranger
    deleted = await declared.run("delete", "--yes", "--json", declared.topic)
    assert (deleted.code, json.loads(deleted.out)) == (0, {"deleted": [declared.topic]}), deleted
    assert (await declared.run("plan")).code == 2


async def test_the_list_tells_what_is_declared(declared: Declared) -> None:
    declared.declare("partitions=4")
    before = json.loads((await declared.run("list", "--json")).out)
    assert {"topic": declared.topic, "declared": True} in before
    assert (await declared.run("create", declared.topic)).code == 0
    after = {row["topic"]: row for row in json.loads((await declared.run("list", "--json")).out)}
    assert after[declared.topic] == {"topic": declared.topic, "partitions": 4, "replicas": 1, "declared": True}


async def test_one_replica_is_worth_a_note(declared: Declared) -> None:
    declared.declare("partitions=1, replication=1")
    assert (await declared.run("create")).code == 0
    health = await declared.run("health", "--json")
    levels = {row["topic"]: row["level"] for row in json.loads(health.out)}
    assert levels[declared.topic] == "note"


async def test_without_brokers_it_says_what_to_set(declared: Declared) -> None:
    declared.servers = ""
    declared.declare("partitions=1")
    done = await declared.run("plan")
    assert (done.code, "KAFKA_BOOTSTRAP_SERVERS" in done.err) == (1, True), done


async def test_brokers_that_do_not_answer_are_named_within_a_bound(declared: Declared) -> None:
    declared.servers = "127.0.0.1:1"
    declared.declare("partitions=1")
    done = await declared.run("plan")
    assert done.code == 1, done
    assert "127.0.0.1:1" in done.err
    assert "Traceback" not in done.err
