"""A dead letter becomes the message that it was."""

from __future__ import annotations

import pytest

from app.consuming.dead_letters import OWN_HEADERS, dead_letter_headers
from app.kafka.records import FetchedRecord
from app.messages import Headers
from app.redriving.letters import NoWayBack, Origin, message_of, origin_of

PARTITIONS = {"orders": 3, "other": 1, "orders.dlq": 2, "__internal": 1}
OWN: Headers = (("trace", b"1"), ("trace", None))


def letter(topic: str = "orders", partition: int = 2, headers: Headers | None = None) -> FetchedRecord:
    """What stands in the DLQ of a record that failed."""
    failed = FetchedRecord(topic, partition, 17, 1234, b"k", b"v", OWN)
    made = dead_letter_headers(failed, group="g", attempts=2, error=ValueError("bad"))
    return FetchedRecord("orders.dlq", 0, 5, 1234, b"k", b"v", tuple(made) if headers is None else headers)


def test_it_goes_where_it_came_from_as_it_was() -> None:
    message = message_of(letter(), None, PARTITIONS)
    assert (message.topic, message.partition, message.key, message.payload) == ("orders", 2, b"k", b"v")
    assert message.timestamp == 1234
    assert message.headers == list(OWN)


def test_no_header_of_the_dead_letter_is_left() -> None:
    headers = dict(message_of(letter(), "other", PARTITIONS).headers or ())
    assert headers
    assert not set(headers) & OWN_HEADERS


def test_at_another_target_its_key_chooses_the_partition() -> None:
    message = message_of(letter(), "other", PARTITIONS)
    assert (message.topic, message.partition) == ("other", None)
    assert message_of(letter(), "orders", PARTITIONS).partition == 2


def test_a_partition_that_is_no_more_is_not_asked_for() -> None:
    assert message_of(letter(partition=7), None, PARTITIONS).partition is None


@pytest.mark.parametrize(
    ("record", "target", "why"),
    [
        (letter(headers=()), None, "name a target"),
        (letter(topic="gone"), None, "the topic gone does not exist"),
        (letter(topic="__internal"), None, "not written by operators"),
        (letter(topic="demijohn_states"), None, "not written by operators"),
    ],
)
def test_what_has_no_way_back_says_why(record: FetchedRecord, target: str | None, why: str) -> None:
    with pytest.raises(NoWayBack, match=why):
        message_of(record, target, PARTITIONS)


def test_what_says_nothing_of_its_origin_can_still_be_sent_somewhere() -> None:
    assert message_of(letter(headers=()), "other", PARTITIONS).topic == "other"


@pytest.mark.parametrize("number", [b"-1", b"x", b"", None, b"9" * 30])
def test_an_origin_that_is_no_number_is_not_known(number: bytes | None) -> None:
    record = letter(headers=(("source_topic", b"orders"), ("source_partition", number)))
    assert origin_of(record) == Origin("orders", None, None)
    assert message_of(record, None, PARTITIONS).partition is None
