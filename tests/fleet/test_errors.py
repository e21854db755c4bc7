"""Errors on their way to the other instances."""

from __future__ import annotations

import msgspec

from app.events import ErrorOccurred, Monitor
from app.fleet.errors import MOST_AT_ONCE, MOST_GROUPS, MOST_TRACEBACK, ErrorsToTell, FleetErrors


class Unprintable(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


def failed(monitor: Monitor, offset: int = 0, topic: str = "t", error: BaseException | None = None) -> None:
    monitor.emit(ErrorOccurred("consumer.consume", error or KeyError("id"), "g", topic, 0, offset, attempt=1))


def told(errors: ErrorsToTell) -> dict[str, object]:
    return {"errors": msgspec.to_builtins(errors.take())}


def test_equal_errors_between_two_reports_are_one_with_a_count() -> None:
    monitor = Monitor()
    errors, fleet = ErrorsToTell(monitor), FleetErrors()
    for offset in (3, 4, 5):
        failed(monitor, offset)
    fleet.take("a", told(errors))
    failed(monitor, 9)
    fleet.take("a", told(errors))
    (row,) = fleet.rows()
    assert (row["count"], row["offset"], row["offsets"], row["instance"]) == (4, 9, [9, 5], "a")
    assert errors.take() == []


def test_those_of_different_instances_and_places_are_apart_the_latest_first() -> None:
    monitor = Monitor()
    errors, fleet = ErrorsToTell(monitor), FleetErrors()
    for instance, topic in (("a", "t"), ("b", "t"), ("a", "u")):
        failed(monitor, topic=topic)
        fleet.take(instance, told(errors))
    rows = fleet.rows()
    assert [(row["instance"], row["topic"]) for row in rows] == [("a", "u"), ("b", "t"), ("a", "t")]
    assert len({row["id"] for row in rows}) == 3


def test_what_could_not_be_told_is_told_with_what_came_since() -> None:
    monitor = Monitor()
    errors = ErrorsToTell(monitor)
    failed(monitor, 1)
    entries = errors.take()
    failed(monitor, 2)
    errors.give_back(entries)
    (entry,) = errors.take()
    assert (entry.count, entry.offset, entry.first_at) == (2, 2, entries[0].first_at)


def test_memory_is_bounded() -> None:
    monitor = Monitor()
    errors, fleet = ErrorsToTell(monitor), FleetErrors()
    for number in range(MOST_AT_ONCE + 10):
        failed(monitor, topic=f"t{number}")
    entries = errors.take()
    assert len(entries) == MOST_AT_ONCE
    for number in range(MOST_GROUPS // MOST_AT_ONCE + 2):
        fleet.take(f"i{number}", {"errors": msgspec.to_builtins(entries)})
    assert len(fleet.rows()) == MOST_GROUPS


def test_a_long_traceback_is_cut_and_an_error_without_a_text_is_told() -> None:
    monitor = Monitor()
    errors = ErrorsToTell(monitor)
    failed(monitor, error=ValueError("x" * 100_000))
    failed(monitor, topic="u", error=Unprintable())
    long, odd = errors.take()
    assert len(long.traceback) <= MOST_TRACEBACK
    assert odd.error_class.endswith("Unprintable")


def test_what_is_no_error_of_ours_is_passed_over() -> None:
    fleet = FleetErrors()
    for document in ({}, {"errors": 3}, {"errors": [{"kind": "x"}]}):
        fleet.take("a", document)
    assert fleet.rows() == []
