"""One life of a group's client: assignments, drains, commits, leaving."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest

from app.consuming import membership as membership_module
from app.consuming.membership import Membership
from app.consuming.memory import Memory
from app.consuming.watchdog import Watchdog
from app.errors import CommitRefused, CommitUnknown, KafkaUnavailable
from app.events import (
    CommitFailed,
    GroupState,
    GroupSubscribed,
    OffsetsCommitted,
    PartitionsAssigned,
    PartitionsRevoked,
    PollReturned,
)
from app.kafka.protocols import Reading
from app.routes import DeadLetter, Subscription
from tests.consuming.groups import Member, Place, group_of
from tests.consuming.stage import AT, OTHER, Noted, consumer_class, line_of
from tests.fakes import records
from tests.waiting import until


class Life:
    """A membership that lives in a task of its own."""

    def __init__(self, line: Subscription, **settings: Any) -> None:
        self.states: list[GroupState] = []
        self.memory = Memory(watchdog=settings.pop("watchdog", None) or Watchdog())
        self.place = Place(**settings)
        self.outlived = self.memory.outlived
        self.stopping = asyncio.Event()
        self.changed: dict[str, Subscription] | None = None
        self.membership = Membership(
            group_of(line), {"t": line}, self.place.surroundings, "l" * 12, self.memory, self.states.append
        )
        self.task = asyncio.create_task(self.membership.live(self.stopping, self._changed))

    def _changed(self, lines: Mapping[str, Subscription]) -> Mapping[str, Subscription] | None:
        return self.changed if self.changed is not None and set(self.changed) != set(lines) else None

    @property
    def client(self) -> Member:
        return self.place.members[0]

    async def joined(self) -> None:
        await until(lambda: self.states, "it joined")

    async def close(self, hook: str = "shutdown", seconds: float = 2.0, reserve_s: float = 1.0) -> list[str]:
        self.stopping.set()
        return await self.membership.close(time.monotonic() + seconds, reserve_s, hook)


Live = Callable[..., Life]


@pytest.fixture
async def live() -> AsyncIterator[Live]:
    """Starts memberships; they are closed at the end."""
    lives: list[Life] = []

    def start(consumer: type[Noted], **settings: object) -> Life:
        lives.append(Life(line_of(consumer), **settings))
        return lives[-1]

    yield start
    for life in lives:
        await life.close(seconds=0.5, reserve_s=0.2)
        life.task.cancel()
        await asyncio.gather(life.task, return_exceptions=True)
        await life.place.producer.close(0.1)


async def test_what_is_done_is_committed_in_one_commit_for_all_partitions(live: Live) -> None:
    life = live(consumer_class(), consumer_commit_interval_ms=100)
    await life.joined()
    life.client.give([*records(0, 1), *records(0, partition=1)])
    await until(lambda: life.client.commits, "a commit")
    assert life.client.commits == [{AT: 2, OTHER: 1}]
    assert [event.offsets for event in life.place.heard.of(OffsetsCommitted)] == [{AT: 2, OTHER: 1}]


async def test_where_nothing_was_done_nothing_is_committed(live: Live) -> None:
    life = live(consumer_class(), consumer_commit_interval_ms=10)
    await life.joined()
    await asyncio.sleep(0.1)
    assert life.client.commits == []


@pytest.mark.parametrize("error", [CommitRefused(), CommitUnknown()])
async def test_a_commit_that_fails_is_told_and_made_again(live: Live, error: Exception) -> None:
    life = live(consumer_class(), consumer_commit_interval_ms=10)
    await life.joined()
    life.client.commit_raises.append(error)
    life.client.give(records(0))
    await until(lambda: life.client.commits, "the next commit succeeded")
    assert life.client.commits == [{AT: 1}]
    assert len(life.place.heard.of(CommitFailed)) == 1


async def test_in_a_rebalance_jobs_are_drained_then_committed_then_told(live: Live) -> None:
    order: list[str] = []
    entered, leave = asyncio.Event(), asyncio.Event()

    async def slow(_: Noted) -> None:
        entered.set()
        await leave.wait()
        order.append("job ended")

    made = consumer_class(slow)
    life = live(made, consumer_commit_interval_ms=60_000)
    life.place.heard.monitor.subscribe(OffsetsCommitted, lambda event: order.append(f"committed {event.offsets[AT]}"))
    await life.joined()
    life.client.give(records(0))
    await entered.wait()
    rebalancing = asyncio.create_task(life.client.rebalance(OTHER))
    await until(lambda: life.states[-1] == "rebalancing", "the revoke began")
    life.client.give(records(1))
    leave.set()
    await rebalancing
    assert order == ["job ended", "committed 1"]
    assert made.hooks == ["initialized", "consume", "revoked"]
    assert life.states == ["stable", "rebalancing", "stable"]
    assert [event.partitions for event in life.place.heard.of(PartitionsRevoked)] == [frozenset({AT, OTHER})]
    assert [event.partitions for event in life.place.heard.of(PartitionsAssigned)][1:] == [frozenset({OTHER})]


async def test_a_job_that_outlives_the_drain_counts_for_nothing(live: Live) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()
    marks: list[bool] = []

    async def stubborn(consumer: Noted) -> None:
        entered.set()
        await leave.wait()
        marks.append(consumer.mark_as_consumed(consumer.messages.last))

    made = consumer_class(stubborn)
    life = live(made, consumer_drain_ms=50, consumer_commit_interval_ms=10)
    await life.joined()
    life.client.give(records(0))
    await entered.wait()
    await life.client.rebalance(AT)
    assert AT not in life.place.offsets
    assert "revoked" not in made.hooks
    life.client.give(records(0))
    await asyncio.sleep(0.05)
    assert made.batches == [[0]], "the partition waits for its old job"
    leave.set()
    await until(lambda: life.place.offsets.get(AT) == 1, "the new assignment did it again")
    assert marks == [False, True]


async def test_a_rebalance_that_brings_nothing_leaves_an_idle_healthy_member(live: Live) -> None:
    life = live(consumer_class())
    await life.joined()
    await life.client.rebalance()
    assert life.states[-1] == "stable"
    assert not life.task.done()


async def test_leaving_lets_jobs_finish_commits_and_runs_shutdown(live: Live) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def slow(_: Noted) -> None:
        entered.set()
        await leave.wait()

    made = consumer_class(slow)
    life = live(made, consumer_commit_interval_ms=60_000)
    await life.joined()
    life.client.give(records(0))
    await entered.wait()
    closing = asyncio.create_task(life.close(seconds=10))
    await asyncio.sleep(0)
    leave.set()
    assert await closing == []
    assert life.place.offsets == {AT: 1}
    assert made.hooks == ["initialized", "consume", "shutdown"]
    assert life.client.stopped


async def test_what_does_not_finish_in_time_is_cut_and_named(live: Live) -> None:
    entered = asyncio.Event()

    async def endless(_: Noted) -> None:
        entered.set()
        await asyncio.Event().wait()

    life = live(consumer_class(endless))
    await life.joined()
    life.client.give(records(0))
    await entered.wait()
    async with asyncio.timeout(5):
        assert await life.close(seconds=0.4, reserve_s=0.3) == ["Made on t-0"]
    assert life.place.offsets == {}
    assert life.client.stopped


async def test_ends_are_kept_known_also_after_a_lookup_that_failed(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.consuming.membership.END_AGE_S", 0.01)
    life = live(consumer_class())
    await life.joined()
    life.client.lookups_raise.append(KafkaUnavailable("no answer"))
    await until(lambda: life.client.refreshed >= 3, "the ends are asked for again and again")
    assert not life.task.done()


async def test_other_topics_are_taken_with_the_same_client_once_everything_is_committed(live: Live) -> None:
    order: list[object] = []
    entered, leave = asyncio.Event(), asyncio.Event()

    async def slow(_: Noted) -> None:
        entered.set()
        await leave.wait()

    made = consumer_class(slow)
    life = live(made, consumer_commit_interval_ms=60_000)
    life.place.kafka.topic_partitions["u"] = 1
    monitor = life.place.heard.monitor
    monitor.subscribe(OffsetsCommitted, lambda event: order.append(event.offsets))
    monitor.subscribe(GroupSubscribed, lambda event: order.append(event.topics))
    await life.joined()
    life.client.give(records(0))
    await entered.wait()
    life.changed = {"t": line_of(made), "u": line_of(made, topic="u")}
    await until(lambda: life.states[-1] == "rebalancing", "it drains")
    assert life.client.topics == ["t"]
    leave.set()
    await until(lambda: life.states[-1] == "stable", "it has the new topics")
    assert order == [("t",), {AT: 1}, ("t", "u")]
    assert made.hooks == ["initialized", "consume", "revoked"]
    life.client.give(records(0, topic="u"))
    await until(lambda: made.batches == [[0], [0]], "the new topic is consumed")
    assert len(life.place.members) == 1
    assert not life.task.done()


async def test_in_a_rebalance_other_topics_wait(live: Live) -> None:
    made = consumer_class()
    life = live(made)
    await life.joined()
    life.client.is_rejoining = True
    life.changed = {"t": line_of(made), "u": line_of(made, topic="u")}
    pulses = len(life.place.heard.of(PollReturned))
    await until(lambda: len(life.place.heard.of(PollReturned)) > pulses + 1, "it has looked")
    assert life.client.topics == ["t"]
    life.client.is_rejoining = False
    await until(lambda: life.client.topics == ["t", "u"], "it took them")


@pytest.mark.parametrize("topics", [("u",), ()], ids=["the client will not take them", "none is left"])
async def test_a_new_client_takes_what_this_one_cannot(live: Live, topics: tuple[str, ...]) -> None:
    made = consumer_class()
    life = live(made)
    await life.joined()
    life.client.resubscribes = False
    life.changed = {topic: line_of(made, topic=topic) for topic in topics}
    assert await asyncio.wait_for(life.task, 5) is None


async def test_a_stop_in_the_middle_of_a_handover_tells_each_consumer_once(live: Live) -> None:
    hook_runs, go_on = asyncio.Event(), asyncio.Event()
    told: list[str] = []

    class Telling(consumer_class()):  # type: ignore[misc]  # made by a function
        async def revoked(self) -> None:
            told.append("revoked")
            hook_runs.set()
            await go_on.wait()

        async def shutdown(self) -> None:
            told.append("shutdown")

    made = Telling
    life = live(made)
    await life.joined()
    life.client.give(records(0))
    await until(lambda: life.place.offsets.get(AT) == 1, "the record is done")
    rebalancing = asyncio.create_task(life.client.rebalance(OTHER))
    await hook_runs.wait()
    await life.close()
    go_on.set()
    await rebalancing
    assert told == ["revoked"]


async def test_a_partition_that_nothing_comes_from_ends_it_with_the_reason(live: Live) -> None:
    life = live(consumer_class(), watchdog=Watchdog(0.1))
    await life.joined()
    life.client.readings[AT] = Reading(1, 5, 9)
    reason = await asyncio.wait_for(life.task, 5)
    assert reason == "nothing has come from t-0 for 0.1 s: position 5, end 9"


async def test_while_kafka_is_away_nothing_counts_as_stuck(live: Live) -> None:
    life = live(consumer_class(), watchdog=Watchdog(0.1))
    await life.joined()
    life.place.kafka.reachable = False
    life.client.readings[AT] = Reading(1, 5, 9)
    pulses = len(life.place.heard.of(PollReturned))
    await until(lambda: len(life.place.heard.of(PollReturned)) > pulses + 1, "it has looked")
    assert not life.task.done()


async def test_a_rejoin_that_never_ends_is_a_reason(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership_module, "REBALANCES_MOST", 0.00001)
    life = live(consumer_class())
    await life.joined()
    life.client.is_rejoining = True
    assert "rejoining" in str(await asyncio.wait_for(life.task, 5))


async def test_a_client_that_died_ends_it_with_the_reason(live: Live) -> None:
    life = live(consumer_class())
    await life.joined()
    life.client.troubled = "its fetch task died"
    assert await asyncio.wait_for(life.task, 5) == "its fetch task died"


async def test_a_consumer_may_commit_at_once(live: Live) -> None:
    answers: list[bool] = []

    async def mark_now(consumer: Noted) -> None:
        answers.append(await consumer.mark_as_consumed_now(consumer.messages.first))

    life = live(consumer_class(mark_now), consumer_commit_interval_ms=60_000)
    await life.joined()
    life.client.give(records(4, 5))
    await until(lambda: answers, "it came back")
    assert answers == [True]
    assert life.place.offsets == {AT: 5}


@pytest.mark.parametrize(("error", "ours"), [(CommitRefused(), False), (CommitUnknown(), True)])
async def test_a_commit_of_its_own_says_whether_the_partition_is_still_ours(
    live: Live, error: Exception, ours: bool
) -> None:
    answers: list[bool] = []

    async def commit(consumer: Noted) -> None:
        consumer.mark_as_consumed(consumer.messages.first)
        answers.append(await consumer.commit())

    life = live(consumer_class(commit), consumer_commit_interval_ms=60_000)
    await life.joined()
    life.client.commit_raises.append(error)
    life.client.give(records(0))
    await until(lambda: answers, "it came back")
    assert answers == [ours]


async def test_a_commit_after_the_partition_has_gone_is_false_and_commits_nothing(live: Live) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()
    answers: list[bool] = []

    async def late(consumer: Noted) -> None:
        entered.set()
        await leave.wait()
        answers.append(await consumer.mark_as_consumed_now(consumer.messages.first))
        answers.append(await consumer.commit())

    life = live(consumer_class(late), consumer_drain_ms=20, consumer_commit_interval_ms=60_000)
    await life.joined()
    life.client.give(records(0))
    await entered.wait()
    await life.client.rebalance(OTHER)
    leave.set()
    await until(lambda: len(answers) == 2, "the job ended")
    assert answers == [False, False]
    assert AT not in life.place.offsets


async def test_transactional_ids_are_initialised_before_committed_offsets_are_read_and_given_up_with_the_partitions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened_before: list[list[str | None]] = []
    original = Member.committed

    async def noting(client: Member, partitions: Any, *, timeout_s: float) -> Any:
        opened_before.append([options.transactional_id for options in life.place.kafka.opened])
        return await original(client, partitions, timeout_s=timeout_s)

    monkeypatch.setattr(Member, "committed", noting)
    line = line_of(consumer_class(), dead_letter=DeadLetter("t.dlq", transactional=True))
    life = Life(line, producer_transactional_id_prefix="app")
    await life.joined()
    assert [sorted(filter(None, ids)) for ids in opened_before] == [["app.g.t.0", "app.g.t.1"]]
    await life.client.rebalance(OTHER)
    assert opened_before[1][2:] == ["app.g.t.1"], "each assignment fences whoever was before it"
    await life.close()
    await life.place.producer.close(0.1)


async def test_where_an_id_cannot_be_initialised_no_offset_is_read() -> None:
    line = line_of(consumer_class(), dead_letter=DeadLetter("t.dlq", transactional=True))
    life = Life(line, producer_transactional_id_prefix="app")
    life.place.kafka.opening_raises = [KafkaUnavailable("no coordinator of transactions")]
    with pytest.raises(KafkaUnavailable, match="transactions"):
        await asyncio.wait_for(life.task, 5)
    assert life.states == []
    await life.close()
    await life.place.producer.close(0.1)


async def test_a_topic_that_was_made_anew_is_read_from_its_beginning_also_where_looking_it_up_fails_first(
    live: Live,
) -> None:
    life = live(consumer_class())
    life.place.kafka.topic_ids["t"] = b"1"
    await life.joined()
    life.client.give(records(5, 6))
    await until(lambda: life.place.offsets == {AT: 7}, "the old topic's offset is committed")
    life.client.beginnings[AT] = 0
    life.client.lookups_raise = [KafkaUnavailable("not yet")]
    life.place.kafka.topic_ids["t"] = b"2"
    await until(lambda: (AT, 0) in life.client.seeks[-2:], "it is read from its beginning", 10)
    await until(lambda: life.place.offsets[AT] == 0, "what is committed goes with it")
    life.client.give(records(0, 1))
    await until(lambda: life.place.offsets[AT] == 2, "the new topic's offset is committed")
