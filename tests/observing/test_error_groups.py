"""Errors by class and place: counted, with their latest traceback, in bounded memory."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

from app.events import ErrorOccurred, Monitor
from app.observing.error_groups import KEPT, MAX_TRACEBACK_BYTES, ErrorGroups, traceback_text


@pytest.fixture
def monitor() -> Monitor:
    return Monitor()


@pytest.fixture
def groups(monitor: Monitor) -> ErrorGroups:
    return ErrorGroups("here", monitor, lambda: 0.0)


def failed(error: BaseException, partition: int = 0, offset: int = 5, attempt: int = 1) -> ErrorOccurred:
    return ErrorOccurred("consumer.consume", error, "g", "t", partition, offset, offset, attempt, "C")


def raised(message: str) -> Exception:
    try:
        raise ValueError(message)
    except ValueError as error:
        return error


def test_errors_of_one_class_and_place_are_one_row_with_the_latest_message(
    groups: ErrorGroups, monitor: Monitor
) -> None:
    for number in range(3):
        monitor.emit(failed(raised(f"bad {number}"), offset=number, attempt=number + 1))
    monitor.emit(failed(raised("elsewhere"), partition=1))
    monitor.emit(failed(KeyError("id")))
    rows = groups.rows()
    assert [(row["class"], row["partition"], row["count"]) for row in rows] == [
        ("builtins.KeyError", 0, 1),
        ("builtins.ValueError", 1, 1),
        ("builtins.ValueError", 0, 3),
    ]
    assert (rows[2]["message"], rows[2]["offset"], rows[2]["instance"]) == ("bad 2", 2, "here")
    whole = groups.one(rows[2]["id"])
    assert whole is not None
    assert (whole["offsets"], whole["attempts"]) == ([2, 1, 0], 3)
    assert "ValueError: bad 2" in whole["traceback"]
    assert groups.one("nothing") is None


def test_a_hundred_thousand_errors_stay_within_bounds(groups: ErrorGroups, monitor: Monitor) -> None:
    for number in range(100_000):
        monitor.emit(failed(ValueError(number), partition=number % 5000, offset=number))
    rows = groups.rows()
    assert len(rows) == KEPT
    assert rows[0]["offset"] == 99_999
    assert all(len(row["offsets"]) <= 20 for row in groups.whole_rows())


def test_payloads_at_hand_are_not_kept_alive(groups: ErrorGroups, monitor: Monitor) -> None:
    class Payload:
        pass

    payload: Any = Payload()
    kept = weakref.ref(payload)

    def consume(payload: Payload) -> None:
        raise ValueError(repr(payload))

    with pytest.raises(ValueError, match="Payload") as caught:
        consume(payload)
    monitor.emit(failed(caught.value))
    del payload, caught
    gc.collect()
    assert kept() is None
    assert len(groups.rows()) == 1


def test_a_traceback_is_cut_in_its_middle() -> None:
    error: Exception = ValueError("the cause")
    for number in range(400):
        try:
            raise ValueError("x" * 200 + str(number)) from error
        except ValueError as wrapped:
            error = wrapped
    text = traceback_text(error)
    assert len(text.encode()) <= MAX_TRACEBACK_BYTES
    assert "the cause" in text
    assert text.rstrip().endswith("399")
    assert "left out" in text


def test_an_error_that_cannot_say_what_it_is_is_shown_all_the_same(groups: ErrorGroups, monitor: Monitor) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    monitor.emit(failed(Mute()))
    assert groups.rows()[0]["class"].endswith("Mute")
    assert monitor.failures == 0


def test_only_some_tracebacks_are_written_in_a_second(monitor: Monitor) -> None:
    seconds = [0.0]
    groups = ErrorGroups("here", monitor, lambda: seconds[0])
    for number in range(30):
        monitor.emit(failed(raised("first"), partition=number))
    assert sum(row["traceback"] is None for row in groups.whole_rows()) == 10
    seconds[0] = 1.0
    for number in range(20, 30):
        monitor.emit(failed(raised("again"), partition=number))
    assert all(row["traceback"] for row in groups.whole_rows())
