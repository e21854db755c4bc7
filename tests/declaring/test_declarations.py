"""What a team declares is data, and everything wrong with it is told at once."""

from __future__ import annotations

import pytest

from app.declaring import Topics
from app.declaring.declarations import TopicDeclaration, declare_topics, load_declarations
from app.errors import TopicsInvalid
from tests.conftest import make_settings


def test_defaults_hold_for_what_follows_and_a_topic_may_say_otherwise() -> None:
    def declare(topics: Topics) -> None:
        topics.topic("first")
        topics.defaults(partitions=6, replication=3, config={"min.insync.replicas": 2, "retention.ms": 1})
        topics.topic(
            "second", partitions=12, config={"retention.ms": 86_400_000, "unclean.leader.election.enable": False}
        )

    assert declare_topics(declare) == (
        TopicDeclaration("first"),
        TopicDeclaration(
            "second",
            12,
            3,
            {"min.insync.replicas": "2", "retention.ms": "86400000", "unclean.leader.election.enable": "false"},
        ),
    )


def test_every_fault_is_told_with_its_place() -> None:
    def declare(topics: Topics) -> None:
        topics.topic("no blanks")
        topics.topic("__consumer_offsets")
        topics.topic("twice")
        topics.topic("twice", partitions=0, replication=True, config={"retention.ms": None})

    with pytest.raises(TopicsInvalid) as raised:
        declare_topics(declare)
    assert [fault.path for fault in raised.value.faults] == [
        "no blanks",
        "__consumer_offsets",
        "twice",
        "twice.partitions",
        "twice.replication",
        "twice.config.retention.ms",
    ]


def test_a_misspelled_option_is_named() -> None:
    with pytest.raises(TopicsInvalid, match="partition"):
        declare_topics(lambda topics: topics.topic("payments", partition=3))  # type: ignore[call-arg]  # the mistake


def test_the_shipped_declarations_are_valid() -> None:
    assert load_declarations(make_settings("kafka:9092")) == ()


def test_a_path_that_leads_nowhere_is_named() -> None:
    with pytest.raises(TopicsInvalid, match="DECLARED_TOPICS: there is no module 'nobody'"):
        load_declarations(make_settings("kafka:9092", declared_topics="nobody:declare"))
