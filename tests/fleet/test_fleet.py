"""Instances on a real Kafka see each other, whichever of them folds."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.events import ErrorOccurred, FleetChanged, Monitor
from app.fleet.alone import Alone
from app.fleet.fleet import Fleet
from app.fleet.opening import open_fleet
from app.fleet.telling import Local
from app.fleet.view import Command, Owner, Row
from app.kafka.cluster import Cluster
from app.observing.history import Standing
from tests.conftest import make_settings
from tests.fleet.reports import report, row, standing
from tests.waiting import until


@dataclass
class Instance:
    """One instance of a service, as its fleet is told of it."""

    name: str
    servers: str
    settings: dict[str, Any]
    errors: int = 0
    """Its total."""
    rows: list[Row] = field(default_factory=list)
    executed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.monitor = Monitor()
        self.changes: list[str | None] = []
        self.monitor.subscribe(FleetChanged, lambda event: self.changes.append(event.why_off))
        settings = make_settings(self.servers, **self.settings)
        self.cluster = Cluster(settings, self.servers, self.monitor)
        local = Local(self.name, lambda: report(self.name, rows=self.rows), self._owns, self._standing)
        self.fleet = open_fleet(settings, local, self.cluster, self.monitor)
        self.fleet.serve("quiet", self._execute)

    def _owns(self, owner: Owner) -> bool:
        return any((row["group"], row["topic"], row["partition"]) == owner for row in self.rows)

    def _standing(self) -> Standing:
        return standing(errors=self.errors)

    async def _execute(self, command: Command) -> Row:
        self.executed.append(command.by)
        return {"instance": self.name}

    async def start(self) -> None:
        await self.cluster.start()
        self.fleet.start()

    async def stop(self) -> None:
        await self.fleet.stop(5.0)
        await self.cluster.stop()

    @property
    def seen(self) -> dict[str, tuple[str, bool]]:
        return {one.instance: (one.about["state"], one.gone) for one in self.fleet.instances()}

    def alone(self) -> bool:
        return self.fleet.why_off is not None

    @property
    def folds(self) -> bool:
        return isinstance(self.fleet, Fleet) and self.fleet.folds


class Instances:
    def __init__(self, servers: str) -> None:
        self._servers = servers
        self._name = uuid.uuid4().hex[:8]
        self.made: list[Instance] = []

    async def make(self, name: str, **settings: object) -> Instance:
        chosen = {"fleet": "auto", "kafka_create_topics": True, "fleet_name": self._name, "fleet_interval_ms": 500}
        instance = Instance(name, self._servers, chosen | settings)
        self.made.append(instance)
        await instance.start()
        return instance


@pytest.fixture
async def instances(kafka: str) -> AsyncIterator[Instances]:
    made, before = Instances(kafka), asyncio.all_tasks()
    yield made
    for instance in made.made:
        await instance.stop()
    async with asyncio.timeout(10):  # a connection that was being made is closed once it is there
        while left := asyncio.all_tasks() - before - {asyncio.current_task()}:
            await asyncio.wait(left, timeout=0.1)


RUNNING = ("running", False)


async def test_each_sees_all_with_their_rows_and_one_of_them_folds(instances: Instances) -> None:
    a, b = await instances.make("a"), await instances.make("b")
    a.rows = [row("t", 0, lag=4)]
    await until(lambda: a.seen == b.seen == {"a": RUNNING, "b": RUNNING}, "both are seen by both")
    assert (a.fleet.size, b.fleet.size) == (2, 2)
    await until(lambda: [row["lag"] for one in b.fleet.instances() for row in one.partitions()] == [4], "the row of a")
    await until(lambda: a.folds + b.folds == 1, "one folds", 60)
    await until(lambda: a.changes == b.changes == [None], "both have said so, once")


async def test_another_folds_when_one_has_stopped_and_nothing_is_counted_twice(instances: Instances) -> None:
    a, b = await instances.make("a"), await instances.make("b")
    await until(lambda: a.folds + b.folds == 1 and len(a.seen) == len(b.seen) == 2, "one folds", 60)
    a.errors = b.errors = 1000
    await until(lambda: counted(a) == counted(b) == 2000, "the history is folded", 30)
    first, second = (a, b) if a.folds else (b, a)
    await first.stop()
    instances.made.remove(first)
    await until(lambda: second.folds, "the other folds", 60)
    await until(lambda: second.seen[first.name] == ("stopped", True), "the first has said goodbye")
    assert second.fleet.size == 1
    second.errors = 3000
    await until(lambda: counted(second) == 4000, "what both have counted, once", 30)


def counted(instance: Instance) -> float:
    """All errors in the fleet's history."""
    document = instance.fleet.history("7d")
    return sum(count or 0 for count in document["series"]["errors"]) if document else 0


async def test_commands_reach_one_instance_or_whoever_has_a_partition(instances: Instances) -> None:
    a, b = await instances.make("a"), await instances.make("b")
    b.rows = [row("t", 3)]
    await until(lambda: not a.alone() and not b.alone() and "b" in a.seen, "both take part")
    to_one = await a.fleet.send("b", Command("quiet", "ops"))
    assert (to_one.outcome, to_one.instance, to_one.result) == ("done", "b", {"instance": "b"})
    to_owner = await a.fleet.send(Owner("g", "t", 3), Command("quiet", "ops2"))
    assert (to_owner.outcome, to_owner.instance) == ("done", "b")
    assert (await a.fleet.send("a", Command("quiet", "ops3"))).instance == "a"
    assert (b.executed, a.executed) == (["ops", "ops2"], ["ops3"])
    unknown = await a.fleet.send("b", Command("fly", "ops"))
    assert (unknown.outcome, unknown.detail) == ("refused", "This instance knows no command 'fly'")


async def test_errors_of_one_are_seen_by_the_other(instances: Instances) -> None:
    a, b = await instances.make("a"), await instances.make("b")
    await until(lambda: not a.alone() and not b.alone(), "both take part")
    for offset in (7, 8):
        b.monitor.emit(ErrorOccurred("consumer.consume", KeyError("id"), "g", "t", 0, offset, attempt=2))
    await until(lambda: a.fleet.errors(), "the error of b")
    (error,) = a.fleet.errors()
    assert (error["class"], error["count"], error["instance"], error["offsets"]) == ("builtins.KeyError", 2, "b", [8])
    assert "KeyError" in error["traceback"]
    assert b.fleet.errors() == [], "its own are kept elsewhere"


async def test_without_topics_and_without_the_right_to_make_them_it_says_so(instances: Instances) -> None:
    a = await instances.make("a", kafka_create_topics=False)
    await until(lambda: a.changes, "it says why")
    assert "cannot be found in Kafka: create them, or set KAFKA_CREATE_TOPICS=true" in str(a.changes[0])
    assert a.seen == {"a": RUNNING}
    await instances.make("b")
    await until(lambda: "b" in a.seen, "topics that another has made are used")


async def test_it_may_be_off(instances: Instances) -> None:
    a = await instances.make("a", fleet="off")
    assert isinstance(a.fleet, Alone)
    assert a.fleet.why_off == "FLEET is off"
