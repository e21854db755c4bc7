"""A plan holds every difference, and nothing that is as declared or not declared at all."""

from __future__ import annotations

from app.declaring.declarations import TopicDeclaration
from app.declaring.plan import AddPartitions, ChangeConfig, CreateTopic, Plan, plan_changes
from app.kafka.admin.protocol import TopicDescription
from app.kafka.topic_details import PartitionDetails


def there(topic: str, partitions: int = 1, replicas: int = 1) -> dict[str, TopicDescription]:
    brokers = tuple(range(1, replicas + 1))
    parts = tuple(PartitionDetails(number, 1, brokers, brokers) for number in range(partitions))
    return {topic: TopicDescription(topic, internal=False, partitions=parts)}


def test_nothing_declared_is_nothing_to_do_whatever_is_there() -> None:
    assert plan_changes([], there("others"), {}) == Plan()


def test_a_missing_topic_is_created() -> None:
    declared = TopicDeclaration("payments", 6, 3, {"retention.ms": "1"})
    assert plan_changes([declared], {}, {}) == Plan((CreateTopic("payments", declared),))


def test_what_is_as_declared_needs_no_step() -> None:
    declared = TopicDeclaration("payments", 6, 3, {"retention.ms": "1"})
    config = {"payments": {"retention.ms": "1", "cleanup.policy": "compact"}}
    assert plan_changes([declared], there("payments", 6, 3), config) == Plan()


def test_what_is_not_said_is_left_alone() -> None:
    assert plan_changes([TopicDeclaration("payments")], there("payments", 6, 3), {}) == Plan()


def test_partitions_are_added_with_a_warning_that_keys_move() -> None:
    (step,) = plan_changes([TopicDeclaration("payments", 6)], there("payments", 2), {}).steps
    assert step == AddPartitions("payments", 2, 6)
    assert "keys of payments move" in str(step.warning)


def test_an_entry_of_another_value_is_set() -> None:
    declared = TopicDeclaration("payments", config={"retention.ms": "2", "cleanup.policy": "delete"})
    plan = plan_changes([declared], there("payments"), {"payments": {"retention.ms": "1", "cleanup.policy": "delete"}})
    assert plan == Plan((ChangeConfig("payments", "retention.ms", "1", "2"),))


def test_what_no_change_can_mend_is_told_apart() -> None:
    declared = TopicDeclaration("payments", 2, 3, {"retention": "2"})
    plan = plan_changes([declared], there("payments", 6, 1), {"payments": {"retention.ms": "1"}})
    assert plan.steps == ()
    texts = [one.text for one in plan.impossible]
    assert "Kafka cannot take any away" in texts[0]
    assert "kafka-reassign-partitions" in texts[1]
    assert "Kafka knows no retention of topics" in texts[2]
