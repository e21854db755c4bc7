"""What is wrong in a cluster, in words."""

from __future__ import annotations

from app.dashboard.cluster_rows import broker_rows, down_brokers, trouble_rows
from app.kafka.admin.protocol import Broker, ClusterDescription, TopicDescription
from app.kafka.topic_details import PartitionDetails
from app.messages import TopicPartition

CLUSTER = ClusterDescription("id", 9, (Broker(1, "a", 9092), Broker(2, "b", 9092, "east")))


def topic(*partitions: tuple[int, tuple[int, ...], tuple[int, ...]]) -> TopicDescription:
    """Of (leader, replicas, in sync)."""
    details = (PartitionDetails(number, *one) for number, one in enumerate(partitions))
    return TopicDescription("orders", False, tuple(details))


def test_a_partition_that_is_well_is_no_row() -> None:
    assert trouble_rows(CLUSTER, [topic((1, (1, 2), (2, 1)))], {}) == []


def test_a_broker_that_is_down_is_told_from_one_that_is_behind() -> None:
    (down,) = trouble_rows(CLUSTER, [topic((1, (1, 3), (1,)))], {"orders": 1})
    assert (down["kind"], down["detail"]) == ("under_replicated", "Broker 3 is down.")
    (behind,) = trouble_rows(CLUSTER, [topic((1, (1, 2), (1,)))], {})
    assert behind["detail"] == "Broker 2 is up and behind the leader."
    (both,) = trouble_rows(CLUSTER, [topic((1, (1, 2, 3, 4), (1,)))], {})
    assert both["detail"] == "Brokers 3 and 4 are down. Broker 2 is up and behind the leader."


def test_too_few_in_sync_is_told_with_what_it_means() -> None:
    (row,) = trouble_rows(CLUSTER, [topic((1, (1, 2, 3), (1,)))], {"orders": 2})
    assert row["kind"] == "under_min_isr"
    assert row["detail"].startswith("Writes with acks=all are refused: 1 in sync, min.insync.replicas is 2.")


def test_a_partition_without_a_leader_says_who_must_come_back() -> None:
    (row,) = trouble_rows(CLUSTER, [topic((-1, (3, 4), (3,)))], {})
    assert (row["kind"], row["leader"]) == ("offline", None)
    assert row["detail"].startswith("Nobody can read or write it: broker 3 must come back.")


def test_brokers_are_counted_those_that_are_missing_too() -> None:
    topics = [topic((1, (1, 3), (1,)), (2, (2, 1), (2, 1)))]
    sizes = {1: {TopicPartition("orders", 0): 10, TopicPartition("orders", 1): 5}}
    assert down_brokers(CLUSTER, topics) == [3]
    rows = {row["id"]: row for row in broker_rows(CLUSTER, topics, sizes)}
    assert {number: (row["leads"], row["replicas"], row["size_bytes"]) for number, row in rows.items()} == {
        1: (1, 2, 15),
        2: (1, 1, None),
        3: (0, 1, None),
    }
    assert [row["alive"] for row in rows.values()] == [True, True, False]
    assert rows[2]["rack"] == "east"
