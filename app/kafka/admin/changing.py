"""What librdkafka's admin client is told to change: each a function of the client and the seconds that are left."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException
from confluent_kafka import TopicPartition as At
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions
from confluent_kafka.admin import NewTopic as ClientTopic

from app.kafka.admin.answers import refusal
from app.kafka.admin.calls import ON_THEIR_WAY, Asked, results
from app.kafka.admin.protocol import ConfigChanges, NewTopic
from app.messages import TopicPartition

BROKERS_DEFAULT = -1
"""Kafka's word for "as the brokers are configured" (KIP-464)."""
Change = Callable[[AdminClient, float], None]


def create_topic(new: NewTopic, preview: bool) -> Change:
    def change(client: AdminClient, left_s: float) -> None:
        topic = ClientTopic(
            new.topic,
            num_partitions=new.partitions or BROKERS_DEFAULT,
            replication_factor=new.replication or BROKERS_DEFAULT,
            config=dict(new.config or {}),
        )
        results(client.create_topics([topic], validate_only=preview, **_bounds(left_s)).values(), left_s)

    return change


def delete_topic(topic: str) -> Change:
    def change(client: AdminClient, left_s: float) -> None:
        results(client.delete_topics([topic], **_bounds(left_s)).values(), left_s)

    return change


def add_partitions(topic: str, count: int, preview: bool) -> Change:
    def change(client: AdminClient, left_s: float) -> None:
        wanted = [NewPartitions(topic, count)]
        results(client.create_partitions(wanted, validate_only=preview, **_bounds(left_s)).values(), left_s)

    return change


def alter_config(topic: str, changes: ConfigChanges, preview: bool) -> Change:
    def change(client: AdminClient, left_s: float) -> None:
        entries = [
            *(
                ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
                for name, value in _sorted(changes)
            ),
            *(
                ConfigEntry(name, None, incremental_operation=AlterConfigOpType.DELETE)
                for name in sorted(changes.reset)
            ),
        ]
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=entries)
        futures = client.incremental_alter_configs([resource], request_timeout=left_s, validate_only=preview)
        results(futures.values(), left_s)

    return change


def _sorted(changes: ConfigChanges) -> Sequence[tuple[str, str]]:
    return sorted(changes.set.items())


def delete_records(
    before: Mapping[TopicPartition, int],
) -> Callable[[AdminClient, float], Mapping[TopicPartition, int]]:
    def change(client: AdminClient, left_s: float) -> Mapping[TopicPartition, int]:
        futures = client.delete_records([At(*at, offset) for at, offset in before.items()], **_bounds(left_s))
        deleted = results(futures.values(), left_s)
        return {
            TopicPartition(at.topic, at.partition): one.low_watermark for at, one in zip(futures, deleted, strict=True)
        }

    return change


def delete_groups(groups: Sequence[str]) -> Change:
    def change(client: AdminClient, left_s: float) -> None:
        results(client.delete_consumer_groups(list(groups), request_timeout=left_s).values(), left_s)

    return change


def alter_offsets(group: str, offsets: Mapping[TopicPartition, int], asked: Asked) -> Change:
    """Kafka's answer is a success as a whole even where it refused every partition: each says for itself."""

    def change(client: AdminClient, left_s: float) -> None:
        wanted = ConsumerGroupTopicPartitions(group, [At(*at, offset) for at, offset in offsets.items()])
        futures = client.alter_consumer_group_offsets([wanted], request_timeout=left_s)
        for at in results(futures.values(), left_s)[0].topic_partitions:
            if at.error is not None:
                if at.error.code() in ON_THEIR_WAY:  # told in the same way by a client that asks again by itself
                    raise KafkaException(at.error)
                what = f"{asked.what} for {at.topic}-{at.partition}"
                raise refusal(KafkaException(at.error), what, asked.right)

    return change


def _bounds(left_s: float) -> dict[str, Any]:
    return {"request_timeout": left_s, "operation_timeout": left_s}
