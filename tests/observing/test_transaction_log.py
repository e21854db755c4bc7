"""The lines on transactions and flushes, and payloads where they are asked for."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from app.events import (
    BufferFlushed,
    Event,
    MessageProducedAsync,
    Monitor,
    TransactionAborted,
    TransactionCommitted,
    TransactionStarted,
)
from app.observing.log import LogLines


@pytest.fixture
def line_of(caplog: pytest.LogCaptureFixture) -> Callable[[Event], str]:
    """The last line after an event."""
    caplog.set_level(logging.INFO, logger="demijohn")
    logging.getLogger("demijohn").setLevel(logging.INFO)
    monitor = Monitor()
    LogLines(monitor)

    def line(event: Event) -> str:
        monitor.emit(event)
        return caplog.messages[-1]

    return line


def test_each_end_of_a_transaction_has_its_words(line_of: Callable[[Event], str]) -> None:
    assert line_of(TransactionStarted("demijohn-1", "app.1.0")) == "[demijohn-1] Transaction of app.1.0 started"
    assert line_of(TransactionCommitted("demijohn-1", "app.1.0", 3, 12.345)) == (
        "[demijohn-1] Transaction of app.1.0 committed: 3 messages in 12.35 ms"
    )
    assert line_of(TransactionAborted("demijohn-1", "app.1.0", "aborted", 1, "it was asked for", 1)) == (
        "[demijohn-1] Transaction of app.1.0 aborted: 1 message, it was asked for"
    )
    assert "left without an answer to its commit" in line_of(
        TransactionAborted("demijohn-1", "app.1.0", "unknown", 1, "no answer in time", 1)
    )


def test_a_flush_says_what_is_in_the_buffer_again(line_of: Callable[[Event], str]) -> None:
    assert line_of(BufferFlushed("demijohn-1", 5, 2, 0, 1.5)) == (
        "[demijohn-1] Flushing of 5 messages from the buffer took 1.50 ms, 2 are in the buffer again"
    )


def test_a_payload_is_in_the_line_only_where_the_event_has_it(line_of: Callable[[Event], str]) -> None:
    plain = line_of(MessageProducedAsync("demijohn-1", "example"))
    assert plain == "[demijohn-1] Message to 'example' topic was delegated to a dispatch queue"
    assert line_of(MessageProducedAsync("demijohn-1", "example", b"{}")) == plain + ": b'{}'"
    assert line_of(MessageProducedAsync("demijohn-1", "example", b"x" * 2000)).endswith("'...")
