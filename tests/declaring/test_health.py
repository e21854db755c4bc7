"""What is to be said of topics: what is broken, and what the next failure would break."""

from __future__ import annotations

import pytest

from app.declaring.health import findings
from app.kafka.admin.protocol import TopicDescription
from app.kafka.topic_details import PartitionDetails


def said(part: PartitionDetails, least: str | None = "2") -> list[tuple[str, str]]:
    topic = TopicDescription("t", internal=False, partitions=(part,))
    configs = {} if least is None else {"t": {"min.insync.replicas": least}}
    return [(one.level, one.text) for one in findings([topic], configs)]


def test_a_topic_that_may_lose_a_broker_is_well() -> None:
    assert said(PartitionDetails(0, 1, (1, 2, 3), (1, 2, 3))) == []


@pytest.mark.parametrize(
    ("part", "least", "level", "text"),
    [
        (PartitionDetails(0, -1, (1, 2, 3), (1,)), "2", "bad", "no leader"),
        (PartitionDetails(0, 1, (1, 2, 3), (1, 2)), "2", "bad", "not in sync"),
        (PartitionDetails(0, 1, (1,), (1,)), "1", "note", "one replica"),
        (PartitionDetails(0, 1, (1, 2), (1, 2)), "2", "note", "nothing can be written"),
        (PartitionDetails(0, 1, (1, 2, 3), (1, 2, 3)), "1", "note", "may be lost"),
    ],
)
def test_what_is_not_well_is_told(part: PartitionDetails, least: str, level: str, text: str) -> None:
    ((found_level, found_text),) = said(part, least)
    assert found_level == level
    assert text in found_text


def test_a_configuration_that_may_not_be_read_is_nothing_to_complain_of() -> None:
    assert said(PartitionDetails(0, 1, (1, 2, 3), (1, 2, 3)), None) == []
