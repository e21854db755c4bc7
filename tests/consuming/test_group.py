"""One consumer group: finding its topics, staying a member."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import AsyncIterator, Callable

import pytest

from app.consuming import group as group_module
from app.consuming import static_members
from app.consuming.group import GroupRunner
from app.errors import DuplicateInstance, MembershipLost
from app.events import ClientRebuilt, ErrorOccurred, PartitionsAssigned, TopicsMissing
from app.routes.table import Subscription
from tests.consuming.groups import Place, group_of
from tests.consuming.stage import AT, Noted, consumer_class, line_of
from tests.fakes import records
from tests.waiting import until

Run = Callable[..., tuple[GroupRunner, Place]]


@pytest.fixture
async def run(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Run]:
    """Runs groups with short pauses; they are stopped at the end."""
    monkeypatch.setattr(group_module, "LOOK_AGAIN_S", 0.01)
    monkeypatch.setattr(group_module, "REBUILD_PAUSE_S", (0.01, 5.0))
    running: list[tuple[GroupRunner, asyncio.Task[None], Place]] = []

    def start(*lines: Subscription, place: Place | None = None) -> tuple[GroupRunner, Place]:
        place = place or Place()
        runner = GroupRunner(group_of(*lines), place.surroundings)
        running.append((runner, asyncio.create_task(runner.run()), place))
        return runner, place

    yield start
    for runner, task, place in running:
        await runner.stop(time.monotonic() + 1, 0.3)
        await asyncio.wait({task}, timeout=5)
        assert task.done()
        await place.producer.close(0.1)


async def test_it_joins_works_and_says_so(run: Run) -> None:
    made = consumer_class()
    runner, place = run(line_of(made))
    await until(lambda: runner.state == "stable", "it joined")
    assert runner.joined_once
    place.members[0].give(records(0))
    await until(lambda: place.offsets == {AT: 1}, "the record is done and committed")
    assert place.states() == ["joining", "stable"]


async def test_topics_that_do_not_exist_are_waited_for(run: Run) -> None:
    runner, place = run(line_of(consumer_class()), place=Place(topics={}))
    await until(lambda: runner.state == "waiting_for_topics", "it waits")
    assert runner.reason == "no topic exists yet of: t"
    assert [event.topics for event in place.heard.of(TopicsMissing)] == [("t",)]
    place.kafka.topic_partitions["t"] = 1
    await until(lambda: runner.state == "stable", "it joined")
    assert [event.topics for event in place.heard.of(TopicsMissing)] == [("t",), ()]


def users(**changes: object) -> Subscription:
    return line_of(consumer_class(), topic=None, pattern=re.compile("user_.*"), name="users", **changes)


async def test_a_new_topic_under_a_pattern_is_taken_with_one_rebalance(run: Run) -> None:
    runner, place = run(users(), place=Place(topics={"user_a": 1, "t.dlq": 1, "__consumer_offsets": 1}))
    await until(lambda: runner.state == "stable", "it joined")
    assert place.members[0].topics == ["user_a"]
    place.kafka.topic_partitions["user_b"] = 1
    await until(lambda: place.members[0].topics == ["user_a", "user_b"], "it took the new topic")
    await until(lambda: len(place.heard.of(PartitionsAssigned)) == 2, "the rebalance")
    await asyncio.sleep(1.2)
    assert len(place.heard.of(PartitionsAssigned)) == 2
    assert len(place.members) == 1
    assert place.heard.of(ClientRebuilt) == []


async def test_a_new_client_takes_the_new_topic_where_the_old_one_cannot(run: Run) -> None:
    runner, place = run(users(), place=Place(topics={"user_a": 1}))
    await until(lambda: runner.state == "stable", "it joined")
    place.members[0].resubscribes = False
    place.kafka.topic_partitions["user_b"] = 1
    await until(lambda: len(place.members) == 2 and runner.state == "stable", "it joined with both topics")
    assert place.members[1].topics == ["user_a", "user_b"]
    assert place.members[0].stopped
    assert place.heard.of(ClientRebuilt) == []


async def test_a_topic_that_comes_and_goes_at_once_changes_nothing(run: Run) -> None:
    runner, place = run(users(), place=Place(topics={"user_a": 1}))
    await until(lambda: runner.state == "stable", "it joined")
    for number in range(200):
        place.kafka.topic_partitions = {"user_a": 1, f"user_{number}": 1}
        await asyncio.sleep(0.01)
    assert place.members[0].topics == ["user_a"]


async def test_when_every_topic_has_gone_it_waits_for_one(run: Run) -> None:
    runner, place = run(users(), place=Place(topics={"user_a": 1}))
    await until(lambda: runner.state == "stable", "it joined")
    place.kafka.topic_partitions = {}
    await until(lambda: runner.state == "waiting_for_topics", "it waits")
    assert runner.reason == "no topic exists yet of: /user_.*/"
    place.kafka.topic_partitions = {"user_b": 1}
    await until(lambda: runner.state == "stable", "it joined again")
    assert place.heard.of(ClientRebuilt) == []


async def test_a_dead_client_is_replaced_and_what_was_done_is_kept(run: Run) -> None:
    made = consumer_class()
    runner, place = run(line_of(made))
    await until(lambda: runner.state == "stable", "it joined")
    place.members[0].give(records(0))
    await until(lambda: place.offsets == {AT: 1}, "the record is done")
    place.members[0].troubled = "its fetch task died"
    await until(lambda: len(place.members) == 2 and runner.state == "stable", "a new client joined")
    assert [event.reason for event in place.heard.of(ClientRebuilt)] == ["its fetch task died"]
    assert place.members[1].seeks[0] == (AT, 1)
    assert made.hooks == ["initialized", "consume", "revoked"]


async def test_a_group_that_cannot_be_joined_is_tried_again_with_growing_pauses(run: Run) -> None:
    place = Place()
    place.start_fails = 4
    runner, _ = run(line_of(consumer_class()), place=place)
    await until(lambda: runner.state == "stable", "the fifth try joined")
    assert len(place.members) == 5
    assert [event.reason for event in place.heard.of(ClientRebuilt)] == ["no coordinator"] * 4
    assert not runner.beyond_repair


async def test_failing_for_five_minutes_while_kafka_answers_is_beyond_repair(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_module, "BEYOND_REPAIR_S", 0.02)
    place = Place()
    place.start_fails = 10_000
    runner, _ = run(line_of(consumer_class()), place=place)
    await until(lambda: runner.beyond_repair, "there is no hope")
    place.kafka.reachable = False
    assert not runner.beyond_repair


async def test_stopping_while_it_waits_for_kafka_is_quick(run: Run) -> None:
    place = Place()
    place.kafka.reachable = False
    runner, _ = run(line_of(consumer_class()), place=place)
    await until(lambda: runner.reason == "Kafka has not answered yet", "it waits for Kafka")
    async with asyncio.timeout(2):
        assert await runner.stop(time.monotonic() + 5, 1) == []
        await until(lambda: runner.state == "stopped", "it stopped")


async def test_stopping_names_what_was_cut(run: Run) -> None:
    entered = asyncio.Event()

    async def endless(_: Noted) -> None:
        entered.set()
        await asyncio.Event().wait()

    runner, place = run(line_of(consumer_class(endless)))
    await until(lambda: runner.state == "stable", "it joined")
    place.members[0].give(records(0))
    await entered.wait()
    assert await runner.stop(time.monotonic() + 0.4, 0.3) == ["Made on t-0"]


async def fight(place: Place) -> None:
    """The group's last member is replaced again and again."""
    client = place.members[-1]
    for _ in range(4):
        client.id = f"pod-g-{uuid.uuid4()}"
        await client.rebalance(AT)


@pytest.fixture
def static_place(monkeypatch: pytest.MonkeyPatch) -> Place:
    """A place of a static member that steps back and looks again without delay."""
    monkeypatch.setattr(static_members, "LOOK_AGAIN_SESSIONS", 0.001)
    monkeypatch.setattr(static_members, "STEP_BACK_S", 0.01)
    monkeypatch.setattr("random.uniform", lambda low, high: 0.0)
    return Place(consumer_instance_id="pod", consumer_heartbeat_ms=10)


async def test_while_kafka_was_away_does_not_count_as_beyond_repair(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_module, "BEYOND_REPAIR_S", 0.2)
    monkeypatch.setattr(group_module, "REBUILD_PAUSE_S", (0.01, 0.01))
    place = Place()
    runner, _ = run(line_of(consumer_class()), place=place)
    await until(lambda: runner.state == "stable", "it joined")
    place.kafka.reachable, place.start_fails = False, 10_000
    monkeypatch.setattr(place.kafka, "topics", lambda: place.kafka.topic_partitions)
    place.members[0].lose(MembershipLost("refused"))
    await asyncio.sleep(0.5)
    place.kafka.reachable = True
    assert not runner.beyond_repair
    await until(lambda: runner.beyond_repair, "the same, with Kafka there")
    kinds = [(event.kind, str(event.error)) for event in place.heard.of(ErrorOccurred)]
    assert kinds == [("consumer.client", "refused"), ("consumer.client", "no coordinator")], "each cause once"


async def test_a_duplicate_of_its_instance_id_is_left_alone_until_it_goes(run: Run, static_place: Place) -> None:
    place = static_place
    runner, _ = run(line_of(consumer_class()), place=place)
    await until(lambda: runner.state == "stable", "it joined")
    place.kafka.members = {f"pod-g-{uuid.uuid4()}"}
    await fight(place)
    await until(lambda: runner.duplicate, "it sees the other")
    assert (runner.state, runner.reason) == ("failed", "another live client uses the instance id pod-g")
    assert place.members[0].stopped
    assert len(place.members) == 1
    assert not runner.beyond_repair
    place.kafka.members.clear()
    await until(lambda: len(place.members) == 2 and runner.state == "stable", "it joined again")
    assert not runner.duplicate
    assert place.heard.of(ClientRebuilt) == []


async def test_after_a_fight_the_one_that_holds_the_instance_id_goes_on(run: Run, static_place: Place) -> None:
    place = static_place
    runner, _ = run(line_of(consumer_class()), place=place)
    await until(lambda: runner.state == "stable", "it joined")
    await fight(place)
    place.kafka.members = {place.members[0].id}
    await until(lambda: len(place.members) == 2 and runner.state == "stable", "it joined again")


async def test_a_member_that_is_fenced_steps_back(run: Run, static_place: Place) -> None:
    place = static_place
    runner, _ = run(line_of(consumer_class()), place=place)
    await until(lambda: runner.state == "stable", "it joined")
    place.kafka.members = {f"pod-g-{uuid.uuid4()}"}
    place.members[0].lose(DuplicateInstance())
    await until(lambda: runner.duplicate, "it sees the other")


async def test_a_member_that_the_coordinator_refuses_is_replaced(run: Run) -> None:
    runner, place = run(line_of(consumer_class()))
    await until(lambda: runner.state == "stable", "it joined")
    place.members[0].lose(MembershipLost("refused"))
    await until(lambda: len(place.members) == 2 and runner.state == "stable", "a new client joined")
    assert [event.reason for event in place.heard.of(ClientRebuilt)] == ["refused"]
