"""The monitor hands each event to those who asked for its class."""

from __future__ import annotations

import dataclasses
import inspect
import logging
from datetime import UTC

import pytest

import app.events
from app.events import BrokerReachable, BrokerUnreachable, Event, Monitor


def test_events_reach_those_who_asked_in_their_order() -> None:
    monitor = Monitor()
    told: list[tuple[str, int]] = []
    monitor.subscribe(BrokerReachable, lambda event: told.append(("first", event.brokers)))
    monitor.subscribe(BrokerReachable, lambda event: told.append(("second", event.brokers)))
    monitor.emit(BrokerReachable(3))
    monitor.emit(BrokerUnreachable("gone"))
    assert told == [("first", 3), ("second", 3)]
    assert monitor.listens(BrokerReachable)
    assert not monitor.listens(BrokerUnreachable)


def test_a_listener_that_fails_disturbs_nobody_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    monitor = Monitor()
    told: list[BrokerReachable] = []

    def fails(_: BrokerReachable) -> None:
        raise ValueError("a listener's defect")

    monitor.subscribe(BrokerReachable, fails)
    monitor.subscribe(BrokerReachable, told.append)
    with caplog.at_level(logging.ERROR):
        monitor.emit(BrokerReachable(1))
    assert len(told) == 1
    assert monitor.failures == 1
    assert "BrokerReachable" in caplog.text
    assert "a listener's defect" in caplog.text


EVENTS = [
    value
    for value in vars(app.events).values()
    if inspect.isclass(value) and issubclass(value, Event) and value is not Event
]


@pytest.mark.parametrize("event_class", EVENTS, ids=lambda event_class: event_class.__name__)
def test_every_event_is_a_frozen_documented_fact(event_class: type[Event]) -> None:
    assert dataclasses.is_dataclass(event_class)
    assert event_class.__dataclass_params__.frozen  # type: ignore[attr-defined]  # set by the decorator
    assert "__slots__" in vars(event_class)
    assert event_class.__doc__
    assert event_class.__doc__.strip().endswith(".")


def test_an_event_knows_when_it_happened_and_is_equal_by_its_content() -> None:
    first, second = BrokerReachable(1), BrokerReachable(1)
    assert first.at.tzinfo is UTC
    assert first == second
