"""A member of a group on a real broker: positions, taking, committing, looking up, being refused."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import GroupAuthorizationFailedError
from aiokafka.structs import TopicPartition as ClientPartition

from app.errors import CommitRefused, CommitUnknown, FetchFailed, KafkaUnavailable, MembershipLost, PositionLost
from app.kafka.consumer_client import AiokafkaConsumer
from app.kafka.embedded.apache import ApacheCluster
from app.kafka.producer_client import open_producer
from app.kafka.topic_writer import handed_over
from app.messages import Record, TopicPartition
from tests.kafka.conftest import MakeTopic
from tests.kafka.doubles import Listener, batch_of, settings_of, until
from tests.kafka.poison import write_undecodable

pytestmark = pytest.mark.usefixtures("nothing_left")
Join = Callable[..., Awaitable[AiokafkaConsumer]]
FAST = {
    "consumer_session_timeout_ms": 6000,
    "consumer_heartbeat_ms": 300,
    "consumer_rebalance_timeout_ms": 10_000,
    "consumer_drain_ms": 2000,
}


@pytest.fixture
async def join() -> AsyncIterator[Join]:
    """Starts members: `await join(kafka, topic, listener, group)`; they leave at the end."""
    members: list[AiokafkaConsumer] = []

    async def start(
        kafka: ApacheCluster, topic: str, listener: Listener | None = None, group: str | None = None
    ) -> AiokafkaConsumer:
        servers = kafka.bootstrap_servers
        group = group or f"g-{uuid.uuid4().hex[:8]}"
        member = AiokafkaConsumer(settings_of(servers, **FAST), servers, group, [topic], listener or Listener())
        members.append(member)
        await member.start()
        return member

    yield start
    await asyncio.gather(*(member.stop(1) for member in members))


async def _write(kafka: ApacheCluster, topic: str, *values: bytes, partition: int = 0) -> None:
    client = await open_producer(settings_of(kafka.bootstrap_servers), kafka.bootstrap_servers)
    await (await handed_over(client, batch_of(client, *values), TopicPartition(topic, partition), timeout_s=30))
    await client.stop(1)


async def _take(client: AiokafkaConsumer, at: TopicPartition, most: int = 100) -> Sequence[Record]:
    """The next records of `at`, waited for."""
    deadline = time.monotonic() + 10
    while True:
        if records := client.take(at, most):
            return records
        assert time.monotonic() < deadline, "nothing came"
        await client.wait_for_data(0.2)


def _offsets(records: Sequence[Record]) -> list[int]:
    return [record.offset for record in records]


# --- positions ----------------------------------------------------------------------------------------------


async def test_without_a_commit_and_a_seek_the_position_is_lost_and_other_partitions_are_read(
    kafka: ApacheCluster, make_topic: MakeTopic, join: Join
) -> None:
    topic = await make_topic(kafka, 2)
    lost, read = TopicPartition(topic, 0), TopicPartition(topic, 1)
    await _write(kafka, topic, b"a", partition=0)
    await _write(kafka, topic, b"b", partition=1)

    async def seek_one(partitions: frozenset[TopicPartition]) -> None:
        client.seek(read, 0)

    listener = Listener()
    servers = kafka.bootstrap_servers
    client = AiokafkaConsumer(settings_of(servers, **FAST), servers, f"g-{uuid.uuid4().hex}", [topic], listener)
    listener.on_assignment = seek_one
    try:
        await client.start()
        assert _offsets(await _take(client, read)) == [0]
        await until(lambda: client.has_data(lost))
        with pytest.raises(PositionLost) as raised:
            client.take(lost, 10)
        assert raised.value.partitions == {lost: None}
        client.seek(lost, 0)
        assert _offsets(await _take(client, lost)) == [0]
    finally:
        await client.stop(1)


async def test_a_seek_while_being_assigned_keeps_every_position(kafka: ApacheCluster, make_topic: MakeTopic) -> None:
    topic = await make_topic(kafka, 3)
    for number in range(3):
        await _write(kafka, topic, b"a", b"b", b"c", partition=number)
    listener = Listener()
    servers = kafka.bootstrap_servers
    client = AiokafkaConsumer(settings_of(servers, **FAST), servers, f"g-{uuid.uuid4().hex}", [topic], listener)

    async def seek_all(partitions: frozenset[TopicPartition]) -> None:
        assert await client.committed(sorted(partitions), timeout_s=5) == dict.fromkeys(partitions)
        await asyncio.sleep(0.3)  # aiokafka looks for committed offsets meanwhile and finds none
        for at in partitions:
            client.seek(at, at.partition)
        sought.set()

    sought = asyncio.Event()
    listener.on_assignment = seek_all
    try:
        await client.start()
        await asyncio.wait_for(sought.wait(), 5)
        for number in range(3):
            assert _offsets(await _take(client, TopicPartition(topic, number))) == list(range(number, 3))
    finally:
        await client.stop(1)


async def test_a_position_that_was_trimmed_away_is_lost_and_a_seek_goes_on(
    kafka: ApacheCluster, make_topic: MakeTopic, join: Join
) -> None:
    topic = await make_topic(kafka)
    at = TopicPartition(topic, 0)
    await _write(kafka, topic, *[b"x"] * 10)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
    await admin.start()
    await admin.delete_records({ClientPartition(topic, 0): RecordsToDelete(6)})
    await admin.close()
    client = await join(kafka, topic)
    client.seek(at, 2)
    await until(lambda: client.has_data(at))
    with pytest.raises(PositionLost) as raised:
        client.take(at, 10)
    assert raised.value.partitions == {at: 2}
    assert await client.beginning_offsets([at], timeout_s=5) == {at: 6}
    assert await client.end_offsets([at], timeout_s=5) == {at: 10}
    client.seek(at, 6)
    assert _offsets(await _take(client, at)) == [6, 7, 8, 9]


async def test_position_and_highwater_are_known_without_asking(
    kafka: ApacheCluster, make_topic: MakeTopic, join: Join
) -> None:
    topic = await make_topic(kafka)
    at, foreign = TopicPartition(topic, 0), TopicPartition("another", 0)
    await _write(kafka, topic, *[b"x"] * 5)
    client = await join(kafka, topic)
    assert client.position(at) is None
    client.seek(at, 1)
    assert client.position(at) == 1
    assert _offsets(await _take(client, at, 2)) == [1, 2]
    assert (client.position(at), client.highwater(at)) == (3, 5)
    assert (client.position(foreign), client.highwater(foreign)) == (None, None)


async def test_the_end_of_a_partition_that_waits_in_the_buffer_is_asked_for(
    kafka: ApacheCluster, make_topic: MakeTopic, join: Join
) -> None:
    topic = await make_topic(kafka)
    at = TopicPartition(topic, 0)
    await _write(kafka, topic, *[b"x"] * 5)
    client = await join(kafka, topic)
    client.seek(at, 0)
    await until(lambda: client.has_data(at))
    await _write(kafka, topic, *[b"x"] * 3)
    await client.refresh_ends(60, timeout_s=5)
    assert client.highwater(at) == 5
    await client.refresh_ends(0, timeout_s=5)
    assert client.highwater(at) == 8
    assert client.position(at) == 0


async def test_a_seek_of_a_partition_that_is_not_ours_does_nothing(
    kafka: ApacheCluster, make_topic: MakeTopic, join: Join
) -> None:
    client = await join(kafka, await make_topic(kafka))
    client.seek(TopicPartition("another", 0), 5)
    assert client.position(TopicPartition("another", 0)) is None


# --- taking -------------------------------------------------------------------------------------------------


async def test_taking_from_one_partition_leaves_the_others_data_where_it_is(
    kafka: ApacheCluster, make_topic: MakeTopic, join: Join
) -> None:
    topic = await make_topic(kafka, 2)
    first, second = TopicPartition(topic, 0), TopicPartition(topic, 1)
    await _write(kafka, topic, b"a", b"b", partition=0)
    await _write(kafka, topic, b"c", b"d", partition=1)
    client = await join(kafka, topic)
    client.seek(first, 0)
    client.seek(second, 0)
    await until(lambda: client.has_data(first) and client.has_data(second))
    assert _offsets(client.take(first, 1)) == [0]
    assert client.has_data(first)
    assert client.has_data(second)
    assert _offsets(client.take(second, 10)) == [0, 1]
    assert _offsets(client.take(first, 10)) == [1]
    assert client.take(first, 10) == ()


async def test_waiting_for_data_ends_when_it_comes_and_when_time_is_up(
    kafka: ApacheCluster, make_topic: MakeTopic, join: Join
) -> None:
    topic = await make_topic(kafka)
    client = await join(kafka, topic)
    client.seek(TopicPartition(topic, 0), 0)
    started = time.monotonic()
    await client.wait_for_data(0.2)
    assert 0.15 < time.monotonic() - started < 1
    waiting = asyncio.create_task(client.wait_for_data(30))
    await _write(kafka, topic, b"x")
    await asyncio.wait_for(waiting, 5)
    assert client.has_data(TopicPartition(topic, 0))


async def test_records_before_one_that_cannot_be_read_are_given_and_the_bad_one_is_named(
    kafka: ApacheCluster, make_topic: MakeTopic, join: Join
) -> None:
    topic = await make_topic(kafka)
    at = TopicPartition(topic, 0)
    await _write(kafka, topic, *[b"good"] * 5)
    await write_undecodable(kafka, at)
    await _write(kafka, topic, b"after")
    client = await join(kafka, topic)
    client.seek(at, 0)
    found: list[int] = []
    named: set[str] = set()
    while len(found) < 5:
        try:
            found += _offsets(await _take(client, at))
        except FetchFailed as error:
            named.add(str(error).partition(": ")[0])
    assert named <= {f"{at} cannot be read at offset 5"}
    assert found == [0, 1, 2, 3, 4]
    with pytest.raises(FetchFailed, match=rf"{topic}-0 cannot be read at offset 5: UnicodeDecodeError"):
        await _take(client, at)
    assert client.position(at) == 5
    client.seek(at, 6)
    assert _offsets(await _take(client, at)) == [6]


# --- the group ----------------------------------------------------------------------------------------------


async def test_a_commit_is_found_by_the_next_member(kafka: ApacheCluster, make_topic: MakeTopic, join: Join) -> None:
    topic = await make_topic(kafka, 2)
    first, second = TopicPartition(topic, 0), TopicPartition(topic, 1)
    client = await join(kafka, topic, group="g-" + topic)
    await client.commit({first: 7}, timeout_s=5)
    await client.stop(1)
    again = await join(kafka, topic, group="g-" + topic)
    assert await again.committed([first, second], timeout_s=5) == {first: 7, second: None}


async def test_members_share_the_partitions_and_are_told_of_every_change(
    kafka: ApacheCluster, make_topic: MakeTopic, join: Join
) -> None:
    topic = await make_topic(kafka, 2)
    both = frozenset({TopicPartition(topic, 0), TopicPartition(topic, 1)})
    one, other = Listener(), Listener()
    first = await join(kafka, topic, one, "g-" + topic)
    assert first.assignment() == both
    second = await join(kafka, topic, other, "g-" + topic)
    await until(lambda: len(first.assignment()) == 1 and not first.rejoining())
    assert first.assignment() | second.assignment() == both
    await second.stop(2)
    await until(lambda: first.assignment() == both and len(one.calls) == 6)
    kinds = [(kind, len(partitions)) for kind, partitions in one.calls]
    assert kinds == [
        ("revoked", 0),
        ("assigned", 2),
        ("revoked", 2),
        ("assigned", 1),
        ("revoked", 1),
        ("assigned", 2),
    ]


async def test_a_commit_of_a_member_that_the_group_has_forgotten_is_refused(
    kafka: ApacheCluster, make_topic: MakeTopic, join: Join
) -> None:
    topic = await make_topic(kafka)
    client = await join(kafka, topic)
    client._consumer._coordinator.member_id = "somebody-else"
    with pytest.raises(CommitRefused):
        await client.commit({TopicPartition(topic, 0): 1}, timeout_s=5)


async def test_a_commit_without_an_assignment_is_refused(kafka: ApacheCluster, make_topic: MakeTopic) -> None:
    topic = await make_topic(kafka)
    servers = kafka.bootstrap_servers
    client = AiokafkaConsumer(settings_of(servers), servers, "g", [topic], Listener())
    with pytest.raises(CommitRefused):
        await client.commit({TopicPartition(topic, 0): 1}, timeout_s=5)
    await client.stop(0)


async def test_a_commit_and_lookups_that_are_not_answered_end_in_time_and_leave_nothing(
    own_kafka: ApacheCluster, make_topic: MakeTopic, join: Join
) -> None:
    topic = await make_topic(own_kafka)
    at = TopicPartition(topic, 0)
    client = await join(own_kafka, topic)
    own_kafka.pause_node(0)
    started = time.monotonic()
    with pytest.raises(CommitUnknown):
        await client.commit({at: 1}, timeout_s=0.3)
    for lookup in (client.committed, client.beginning_offsets, client.end_offsets):
        with pytest.raises(KafkaUnavailable, match="no answer in time"):
            await lookup([at], timeout_s=0.2)
    assert time.monotonic() - started < 2


async def test_looking_up_a_partition_that_does_not_exist_ends_in_time(
    kafka: ApacheCluster, make_topic: MakeTopic, join: Join
) -> None:
    client = await join(kafka, await make_topic(kafka))
    missing = TopicPartition("no-such-topic", 0)
    assert await client.committed([missing], timeout_s=5) == {missing: None}
    with pytest.raises(KafkaUnavailable):
        await client.end_offsets([missing], timeout_s=0.3)
    assert await client.end_offsets([], timeout_s=0.3) == {}


async def test_a_refusal_by_the_coordinator_is_raised_even_where_no_partition_is_assigned(
    kafka: ApacheCluster, make_topic: MakeTopic, join: Join
) -> None:
    topic = await make_topic(kafka)
    client = await join(kafka, topic)
    coordinator = client._consumer._coordinator
    told = asyncio.ensure_future(coordinator._push_error_to_user(GroupAuthorizationFailedError("g")))
    await asyncio.sleep(0)
    with pytest.raises(MembershipLost, match="GroupAuthorizationFailed"):
        await client.wait_for_data(5)
    await asyncio.wait({told}, timeout=1)


# --- trouble ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kill", "reason"),
    [
        (lambda consumer: consumer._fetcher._fetch_task, "fetch task is dead"),
        (lambda consumer: consumer._coordinator._coordination_task, "coordination task is dead"),
        (lambda consumer: consumer._client._sync_task, "metadata task is dead"),
        (lambda consumer: consumer._coordinator._heartbeat_task, "heartbeat task is dead"),
    ],
    ids=["fetch", "coordination", "metadata", "heartbeat"],
)
async def test_a_dead_task_of_the_client_is_named(
    kafka: ApacheCluster,
    make_topic: MakeTopic,
    join: Join,
    kill: Callable[[object], asyncio.Task[None]],
    reason: str,
) -> None:
    client = await join(kafka, await make_topic(kafka))
    assert client.trouble() is None
    task = kill(client._consumer)
    task.cancel()
    await asyncio.wait({task}, timeout=2)
    assert client.trouble() == reason


async def test_a_failing_listener_is_not_swallowed(kafka: ApacheCluster, make_topic: MakeTopic, join: Join) -> None:
    async def broken(partitions: frozenset[TopicPartition]) -> None:
        raise ValueError("a defect")

    client = await join(kafka, await make_topic(kafka), Listener(broken))
    assert client.trouble() == "assignment failed: ValueError('a defect')"


async def test_joining_fails_at_once_where_nobody_listens() -> None:
    client = AiokafkaConsumer(settings_of("127.0.0.1:9"), "127.0.0.1:9", "g", ["t"], Listener())
    started = time.monotonic()
    with pytest.raises(KafkaUnavailable):
        await client.start()
    assert time.monotonic() - started < 1


async def test_joining_a_topic_that_does_not_exist_ends_with_the_request_timeout(kafka: ApacheCluster) -> None:
    servers = kafka.bootstrap_servers
    settings = settings_of(servers, kafka_request_timeout_ms=500)
    client = AiokafkaConsumer(settings, servers, "g", ["no-such-topic"], Listener())
    started = time.monotonic()
    with pytest.raises(KafkaUnavailable, match="UnknownTopicOrPartition"):
        await client.start()
    assert time.monotonic() - started < 3


async def test_a_dead_coordination_task_ends_the_waiting_for_data_and_no_other_task(
    kafka: ApacheCluster, make_topic: MakeTopic, join: Join
) -> None:
    client = await join(kafka, await make_topic(kafka))
    client._consumer._coordinator._coordination_task.cancel()
    await asyncio.wait({client._consumer._coordinator._coordination_task}, timeout=2)
    await client.wait_for_data(0.1)
    assert client.trouble() == "coordination task is dead"


# --- other topics -------------------------------------------------------------------------------------------


async def test_other_topics_are_taken_with_one_rebalance_and_the_same_client(
    kafka: ApacheCluster, make_topic: MakeTopic, join: Join
) -> None:
    first, second = await make_topic(kafka), await make_topic(kafka)
    listener = Listener()
    client = await join(kafka, first, listener)
    await client.wait_for_data(0.1)
    assert client.resubscribe([first, second])
    assert client.rejoining()
    both = frozenset({TopicPartition(first, 0), TopicPartition(second, 0)})
    await until(lambda: client.assignment() == both and not client.rejoining())
    await client.wait_for_data(0.1)
    assert client.resubscribe([second])
    alone = TopicPartition(second, 0)
    await until(lambda: client.assignment() == frozenset({alone}) and not client.rejoining())
    assert [kind for kind, _ in listener.calls].count("assigned") == 3
    assert client._consumer._coordinator.generation == 3
    await _write(kafka, second, b"x")
    client.seek(alone, 0)
    assert _offsets(await _take(client, alone)) == [0]
    assert client.trouble() is None


async def test_other_topics_in_the_first_moments_of_an_assignment_would_kill_the_fetching_and_are_not_taken(
    kafka: ApacheCluster, make_topic: MakeTopic
) -> None:
    topic, other = await make_topic(kafka), await make_topic(kafka)
    servers, refusals = kafka.bootstrap_servers, []

    async def change(_: frozenset[TopicPartition]) -> None:
        refusals.append(client.resubscribe([topic, other]))

    listener = Listener(change)
    client = AiokafkaConsumer(settings_of(servers, **FAST), servers, f"g-{uuid.uuid4().hex}", [topic], listener)
    await client.start()
    refusals.append(client.resubscribe([topic, other]))
    await client.wait_for_data(0.1)
    assert refusals == [False, False]
    assert client.resubscribe([topic, other])
    await until(lambda: len(client.assignment()) == 2)
    assert client.trouble() is None
    await client.stop(1)


async def test_without_a_coordinator_other_topics_are_not_taken(
    kafka: ApacheCluster, make_topic: MakeTopic, join: Join
) -> None:
    client = await join(kafka, await make_topic(kafka))
    other = await make_topic(kafka)
    await client.wait_for_data(0.1)
    client._consumer._coordinator.coordinator_dead()
    assert not client.resubscribe([other])


# --- what the watchdog sees ---------------------------------------------------------------------------------


async def test_answers_of_the_brokers_are_seen_also_where_there_is_nothing_to_read(
    kafka: ApacheCluster, make_topic: MakeTopic, join: Join
) -> None:
    topic = await make_topic(kafka)
    at = TopicPartition(topic, 0)
    client = await join(kafka, topic)
    client.seek(at, 0)
    await until(lambda: (reading := client.reading(at)) and reading.answered_at_ms)
    before = client.reading(at)
    assert before is not None
    assert before[1:] == (0, 0)
    await until(lambda: client.reading(at) != before)
    assert client.reading(TopicPartition(topic, 1)) is None


class Forever(set[int]):
    """Nodes that a fetcher believes to have a request under way, for ever."""

    def __contains__(self, _: object) -> bool:
        return True


async def test_a_fetch_that_is_stuck_is_seen(kafka: ApacheCluster, make_topic: MakeTopic, join: Join) -> None:
    topic = await make_topic(kafka)
    at = TopicPartition(topic, 0)
    client = await join(kafka, topic)
    client.seek(at, 0)
    await until(lambda: (reading := client.reading(at)) and reading.answered_at_ms)
    client._consumer._fetcher._in_flight = Forever()
    await asyncio.sleep(0.6)
    before = client.reading(at)
    await _write(kafka, topic, b"x")
    await asyncio.sleep(1.2)
    assert client.reading(at) == before
    assert client.trouble() is None, "it looks alive"
