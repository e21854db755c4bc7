"""The base class of consumers, on a context that a test decides on."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.consumer import Consumer, ConsumerContext
from app.messages import Messages
from tests.fakes import records


def consumer(**context: Any) -> Consumer:
    defaults: dict[str, Any] = {
        "topic": "t",
        "partition": 3,
        "group": "g",
        "producer": object(),
        "messages": Messages(records(4, 5, partition=3)),
        "attempt": 1,
        "revoked": False,
        "end": 10,
        "mark": lambda offset: offset == 5,
    }
    return Consumer(cast(ConsumerContext, SimpleNamespace(**(defaults | context))))


def test_it_sees_its_partition() -> None:
    one = consumer()
    assert (one.topic, one.partition, one.group) == ("t", 3, "g")
    assert one.messages.size == 2
    assert one.producer is not None


def test_it_knows_whether_this_is_a_retry() -> None:
    assert not consumer(attempt=1).retrying
    assert consumer(attempt=2).retrying
    assert consumer(attempt=2).attempt == 2


def test_a_mark_tells_whether_the_partition_is_still_ours() -> None:
    one = consumer()
    assert one.mark_as_consumed(one.messages.last)
    assert not one.mark_as_consumed(one.messages.first)


@pytest.mark.parametrize(("end", "lag", "at_end"), [(10, 4, False), (6, 0, True), (5, 0, True), (None, None, False)])
def test_it_knows_how_much_stands_behind_its_batch(end: int | None, lag: int | None, at_end: bool) -> None:
    one = consumer(end=end)
    assert (one.lag, one.at_end) == (lag, at_end)


def test_without_a_batch_the_lag_is_not_known() -> None:
    assert consumer(messages=Messages(())).lag is None


def test_it_knows_when_it_is_being_taken_away() -> None:
    assert consumer(revoked=True).is_revoked


def test_its_log_bears_its_name() -> None:
    assert consumer().log is logging.getLogger("demijohn.consumers.Consumer")


def test_hooks_may_be_left_out_and_consume_may_not() -> None:
    one = consumer()
    assert [one.initialized(), one.revoked(), one.shutdown()] == [None, None, None]
    with pytest.raises(NotImplementedError, match="Consumer has no consume"):
        one.consume()


def test_a_message_of_another_partition_cannot_be_marked() -> None:
    stray = Messages(records(5, partition=4)).first
    with pytest.raises(ValueError, match="not a message of t-3"):
        consumer().mark_as_consumed(stray)


@pytest.mark.parametrize("arguments", [{"offset": -1}, {"ms": -1}])
def test_a_pause_takes_no_negative_numbers(arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="negative"):
        consumer().pause(**arguments)


def test_tags_are_the_newest_of_each_name() -> None:
    tags = consumer().tags
    tags.add("step", "1")
    tags.add("step", "2")
    tags.add("table", "airports")
    assert (list(tags), len(tags)) == (["2", "airports"], 2)
    tags.delete("table")
    tags.delete("never there")
    assert list(tags) == ["2"]
    tags.clear()
    assert list(tags) == []
