"""The admin client on a real Kafka: what it asks, changes, and what it says where it cannot."""

from __future__ import annotations

import asyncio
import gc
import time
import weakref

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import TopicPartition as ClientPartition
from confluent_kafka.admin import AdminClient

from app.errors import AdminRefused, KafkaUnavailable, NoSuchResource, NotSupportedByBroker
from app.kafka.admin.client import KafkaAdmin
from app.kafka.admin.protocol import Admin, ConfigChanges, NewTopic
from app.kafka.embedded.apache import ApacheCluster
from app.kafka.embedded.mock import MockBroker
from app.messages import TopicPartition
from app.settings import Settings
from tests.kafka.admin.conftest import MakeAdmin, new_name
from tests.waiting import until

WAIT_S = 10.0


@pytest.fixture
def admin(kafka: ApacheCluster, make_admin: MakeAdmin) -> Admin:
    return make_admin(kafka.bootstrap_servers)


async def new_topic(admin: Admin, partitions: int = 2, **config: str) -> str:
    topic = new_name()
    dotted = {name.replace("_", "."): value for name, value in config.items()}
    await admin.create_topic(NewTopic(topic, partitions, config=dotted), timeout_s=WAIT_S)

    async def there() -> bool:
        return topic in await admin.topics(timeout_s=WAIT_S)

    await until(there, "the topic is known")
    return topic


async def fill(kafka: ApacheCluster, topic: str, records: int) -> None:
    """So many records in partition 0, at 1000 ms, 2000 ms and so on."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap_servers)
    await producer.start()
    for number in range(records):
        await producer.send_and_wait(topic, b"x" * 100, partition=0, timestamp_ms=(number + 1) * 1000)
    await producer.stop()


async def test_the_cluster_is_described_with_the_node_that_leads_its_quorum(admin: Admin, kafka: ApacheCluster) -> None:
    found = await admin.cluster(timeout_s=WAIT_S)
    assert found.cluster_id
    assert [(broker.host, broker.port) for broker in found.brokers] == [("127.0.0.1", kafka.nodes[0].ports.broker)]
    assert found.controller == found.brokers[0].id


async def test_topics_are_described_with_leaders_and_replicas(admin: Admin) -> None:
    topic = await new_topic(admin, partitions=3)
    found = (await admin.topics(timeout_s=WAIT_S))[topic]
    assert [one.partition for one in found.partitions] == [0, 1, 2]
    assert {(one.leader, one.replicas, one.in_sync) for one in found.partitions} == {
        (found.partitions[0].leader, (found.partitions[0].leader,), (found.partitions[0].leader,))
    }
    assert not found.internal


async def test_a_configuration_says_where_each_value_comes_from(admin: Admin) -> None:
    topic = await new_topic(admin, retention_ms="60000")
    config = {entry.name: entry for entry in await admin.config(topic, timeout_s=WAIT_S)}
    assert config["retention.ms"].value == "60000"
    assert config["retention.ms"].source == "dynamic_topic_config"
    assert not config["retention.ms"].default
    assert config["cleanup.policy"].default
    assert (await admin.configs([topic, "nowhere"], timeout_s=WAIT_S))[topic]["retention.ms"] == "60000"


async def test_a_configuration_is_changed_entry_by_entry(admin: Admin) -> None:
    topic = await new_topic(admin, retention_ms="60000", segment_ms="50000")
    changes = ConfigChanges({"cleanup.policy": "compact"}, ["segment.ms"])
    await admin.alter_config(topic, changes, timeout_s=WAIT_S, preview=True)
    assert {entry.name: entry.value for entry in await admin.config(topic, timeout_s=WAIT_S)}["segment.ms"] == "50000"
    await admin.alter_config(topic, changes, timeout_s=WAIT_S)

    async def changed() -> bool:
        config = {entry.name: entry for entry in await admin.config(topic, timeout_s=WAIT_S)}
        return (
            config["cleanup.policy"].value == "compact"
            and config["segment.ms"].default
            and config["retention.ms"].value == "60000"
        )

    await until(changed, "what was named is changed, what was not is as it was")


async def test_a_bad_configuration_is_refused_in_the_brokers_words(admin: Admin) -> None:
    topic = await new_topic(admin)
    with pytest.raises(AdminRefused, match=r"retention\.ms") as raised:
        await admin.alter_config(topic, ConfigChanges({"retention.ms": "soon"}), timeout_s=WAIT_S)
    assert raised.value.code == "INVALID_CONFIG"


async def test_partitions_are_added_and_never_taken_away(admin: Admin) -> None:
    topic = await new_topic(admin, partitions=2)
    await admin.add_partitions(topic, 4, timeout_s=WAIT_S, preview=True)
    assert len((await admin.topics(timeout_s=WAIT_S))[topic].partitions) == 2
    await admin.add_partitions(topic, 4, timeout_s=WAIT_S)

    async def four() -> bool:
        return len((await admin.topics(timeout_s=WAIT_S))[topic].partitions) == 4

    await until(four, "it has four partitions")
    with pytest.raises(AdminRefused) as raised:
        await admin.add_partitions(topic, 1, timeout_s=WAIT_S)
    assert raised.value.code == "INVALID_PARTITIONS"


async def test_what_does_not_exist_and_what_does_are_told(admin: Admin) -> None:
    topic = await new_topic(admin)
    with pytest.raises(AdminRefused, match="there is a topic of this name"):
        await admin.create_topic(NewTopic(topic), timeout_s=WAIT_S)
    await admin.delete_topic(topic, timeout_s=WAIT_S)

    async def gone() -> bool:
        return topic not in await admin.topics(timeout_s=WAIT_S)

    await until(gone, "the topic is deleted")
    with pytest.raises(NoSuchResource):
        await admin.delete_topic(topic, timeout_s=WAIT_S)
    with pytest.raises(NoSuchResource):
        await admin.config(topic, timeout_s=WAIT_S)
    with pytest.raises(NoSuchResource):
        await admin.delete_groups([new_name()], timeout_s=WAIT_S)


async def test_a_preview_of_a_topic_creates_none(admin: Admin) -> None:
    topic = new_name()
    await admin.create_topic(NewTopic(topic, 3), timeout_s=WAIT_S, preview=True)
    assert topic not in await admin.topics(timeout_s=WAIT_S)


async def test_offsets_are_looked_up_by_place_and_by_time(admin: Admin, kafka: ApacheCluster) -> None:
    topic = await new_topic(admin)
    await fill(kafka, topic, 5)
    first, second = TopicPartition(topic, 0), TopicPartition(topic, 1)
    both = [first, second]
    assert await admin.offsets(both, "earliest", timeout_s=WAIT_S) == {first: 0, second: 0}
    assert await admin.offsets(both, "latest", timeout_s=WAIT_S) == {first: 5, second: 0}
    assert await admin.offsets(both, 3000, timeout_s=WAIT_S) == {first: 2, second: None}
    assert await admin.offsets([], "latest", timeout_s=WAIT_S) == {}


async def test_records_are_deleted_and_sizes_told(admin: Admin, kafka: ApacheCluster) -> None:
    topic = await new_topic(admin)
    await fill(kafka, topic, 5)
    at = TopicPartition(topic, 0)
    ((_, sizes),) = (await admin.log_sizes(timeout_s=WAIT_S)).items()
    assert sizes[at] > 500
    assert sizes[TopicPartition(topic, 1)] == 0
    assert await admin.delete_records({at: 3}, timeout_s=WAIT_S) == {at: 3}
    assert await admin.offsets([at], "earliest", timeout_s=WAIT_S) == {at: 3}


async def test_a_live_group_is_described_and_left_alone(admin: Admin, kafka: ApacheCluster) -> None:
    topic, group = await new_topic(admin), new_name("g")
    await fill(kafka, topic, 5)
    at = TopicPartition(topic, 0)
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=kafka.bootstrap_servers, group_id=group, client_id="reader", enable_auto_commit=False
    )
    await consumer.start()
    await consumer.commit({ClientPartition(*at): 2})
    described = (await admin.describe_groups([group], timeout_s=WAIT_S))[group]
    assert (described.state, described.kind) == ("stable", "classic")
    (member,) = described.members
    assert (member.client_id, member.partitions) == ("reader", (at, TopicPartition(topic, 1)))
    assert (group, "stable") in {(one.group, one.state) for one in await admin.groups(timeout_s=WAIT_S)}
    assert await admin.committed(group, timeout_s=WAIT_S) == {at: 2}
    with pytest.raises(AdminRefused, match="has members"):
        await admin.alter_offsets(group, {at: 1}, timeout_s=WAIT_S)
    with pytest.raises(AdminRefused, match="has members"):
        await admin.delete_groups([group], timeout_s=WAIT_S)
    with pytest.raises(AdminRefused, match="reads the topic"):
        await admin.delete_offsets(group, [at], timeout_s=WAIT_S)
    assert await admin.committed(group, timeout_s=WAIT_S) == {at: 2}
    await consumer.stop()


async def test_offsets_of_a_group_without_members_are_moved_reset_and_deleted(
    admin: Admin, kafka: ApacheCluster
) -> None:
    topic, group = await new_topic(admin), new_name("g")
    await fill(kafka, topic, 5)
    at, other = TopicPartition(topic, 0), TopicPartition(topic, 1)
    await admin.alter_offsets(group, {at: 3}, timeout_s=WAIT_S)
    assert await admin.committed(group, timeout_s=WAIT_S) == {at: 3}
    assert await admin.reset_offsets(group, [at, other], 2000, timeout_s=WAIT_S) == {at: 1, other: 0}
    assert await admin.committed(group, timeout_s=WAIT_S) == {at: 1, other: 0}
    await admin.delete_offsets(group, [other], timeout_s=WAIT_S)
    assert await admin.committed(group, timeout_s=WAIT_S) == {at: 1}
    await admin.delete_groups([group], timeout_s=WAIT_S)
    assert await admin.committed(group, timeout_s=WAIT_S) == {}
    assert (await admin.describe_groups([group], timeout_s=WAIT_S))[group].state == "dead"


@pytest.mark.parametrize("ask", ["cluster", "topics", "groups", "log_sizes"])
async def test_without_a_broker_every_call_ends_in_time_and_says_why(make_admin: MakeAdmin, ask: str) -> None:
    admin = make_admin("127.0.0.1:9")
    started = time.monotonic()
    with pytest.raises(KafkaUnavailable, match=r"127\.0\.0\.1:9") as raised:
        await getattr(admin, ask)(timeout_s=1)
    assert time.monotonic() - started < 5
    assert "refused" in str(raised.value) or "connect" in str(raised.value).lower()


async def test_a_broker_that_hangs_holds_no_call(own_kafka: ApacheCluster, make_admin: MakeAdmin) -> None:
    admin = make_admin(own_kafka.bootstrap_servers)
    await admin.topics(timeout_s=WAIT_S)
    own_kafka.pause_node(0)
    asked = [admin.topics(timeout_s=1), admin.groups(timeout_s=1), admin.cluster(timeout_s=1)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(answer) for answer in answers] == [KafkaUnavailable] * 3
    own_kafka.resume_node(0)

    async def answers_again() -> bool:
        try:
            return bool((await admin.cluster(timeout_s=2)).brokers)
        except KafkaUnavailable:
            return False

    await until(answers_again, "it answers again", 30)


async def test_too_many_questions_at_once_are_refused_and_room_comes_back(make_admin: MakeAdmin) -> None:
    admin = make_admin("127.0.0.1:9")
    answers = await asyncio.gather(*(admin.topics(timeout_s=0.5) for _ in range(40)), return_exceptions=True)
    assert sum("other questions" in str(answer) for answer in answers) == 8

    async def takes_one() -> bool:
        with pytest.raises(KafkaUnavailable) as raised:
            await admin.topics(timeout_s=0.2)
        return "other questions" not in str(raised.value)

    await until(takes_one, "there is room again")


async def test_a_closed_client_takes_no_call(admin: KafkaAdmin) -> None:
    await admin.topics(timeout_s=WAIT_S)
    admin.close()
    admin.close()
    with pytest.raises(KafkaUnavailable, match="stopping"):
        await admin.topics(timeout_s=WAIT_S)


async def test_a_closed_client_is_destroyed_at_once_whatever_errors_are_kept(admin: KafkaAdmin) -> None:
    before = {id(one) for one in gc.get_objects() if isinstance(one, AdminClient)}
    gc.disable()  # it would destroy the client in whichever thread it runs, librdkafka's own among them
    try:
        with pytest.raises(NoSuchResource) as kept:
            await admin.config("nosuch", timeout_s=WAIT_S)
        made = [weakref.ref(one) for one in gc.get_objects() if isinstance(one, AdminClient) and id(one) not in before]
        assert [ref() is None for ref in made] == [False]
        admin.close()
        await until(lambda: made[0]() is None, "it is destroyed")
    finally:
        gc.enable()
    assert kept.value.__cause__ is not None


async def test_the_in_memory_broker_says_what_it_cannot_do(make_admin: MakeAdmin) -> None:
    broker = MockBroker()
    await broker.start()
    await broker.create_topic("kept", 2)
    admin = make_admin(broker.bootstrap_servers)
    at = TopicPartition("kept", 0)
    found = await admin.cluster(timeout_s=WAIT_S)
    assert (len(found.brokers), found.controller) == (1, None)
    assert len((await admin.topics(timeout_s=WAIT_S))["kept"].partitions) == 2
    assert await admin.offsets([at], "latest", timeout_s=WAIT_S) == {at: 0}
    unsupported = [
        admin.create_topic(NewTopic("new"), timeout_s=WAIT_S),
        admin.delete_topic("kept", timeout_s=WAIT_S),
        admin.add_partitions("kept", 4, timeout_s=WAIT_S),
        admin.alter_config("kept", ConfigChanges({"retention.ms": "1"}), timeout_s=WAIT_S),
        admin.config("kept", timeout_s=WAIT_S),
        admin.configs(["kept"], timeout_s=WAIT_S),
        admin.groups(timeout_s=WAIT_S),
        admin.describe_groups(["g"], timeout_s=WAIT_S),
        admin.log_sizes(timeout_s=WAIT_S),
        admin.delete_offsets("g", [at], timeout_s=WAIT_S),
        admin.delete_records({at: 0}, timeout_s=WAIT_S),
    ]
    answers = await asyncio.gather(*unsupported, return_exceptions=True)
    assert [type(answer) for answer in answers] == [NotSupportedByBroker] * len(unsupported)
    await broker.stop()


async def test_a_wrong_password_is_told_as_such(kafka: ApacheCluster, make_admin: MakeAdmin) -> None:
    changes = {"kafka_security_protocol": "SASL_PLAINTEXT", "kafka_sasl_username": "u", "kafka_sasl_password": "p"}
    base = {"kafka_bootstrap_servers": kafka.bootstrap_servers}
    admin = make_admin(kafka.bootstrap_servers, Settings.model_validate(base | changes))
    with pytest.raises(KafkaUnavailable, match="SASL"):
        await admin.topics(timeout_s=3)
