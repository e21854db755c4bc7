"""The lines of the log on transactions and flushes of the buffer."""

from __future__ import annotations

import logging

from app.events import BufferFlushed, Monitor, TransactionAborted, TransactionCommitted, TransactionStarted
from app.observing.lines import counted
from app.observing.sampling import Sampler

ALL = "all topics"


class TransactionLines:
    """Writes to the logger that it is given, as much as `sampler` lets pass."""

    def __init__(self, monitor: Monitor, logger: logging.Logger, sampler: Sampler) -> None:
        self._log = logger
        self._sampler = sampler
        monitor.subscribe(BufferFlushed, self._buffer_flushed)
        monitor.subscribe(TransactionStarted, self._started)
        monitor.subscribe(TransactionCommitted, self._committed)
        monitor.subscribe(TransactionAborted, self._aborted)

    def _buffer_flushed(self, event: BufferFlushed) -> None:
        if self._sampler.passes("Flushing of the buffer", ALL):
            number = counted(event.sent, "message")
            rest = f", {event.returned} are in the buffer again" if event.returned else ""
            text = "[%s] Flushing of %s from the buffer took %.2f ms%s"
            self._log.info(text, event.producer_id, number, event.took_ms, rest)

    def _started(self, event: TransactionStarted) -> None:
        if self._sampler.passes("Transaction started", ALL):
            self._log.info("[%s] Transaction of %s started", event.producer_id, event.transactional_id)

    def _committed(self, event: TransactionCommitted) -> None:
        if self._sampler.passes("Transaction committed", ALL):
            number = counted(event.messages, "message")
            text = "[%s] Transaction of %s committed: %s in %.2f ms"
            self._log.info(text, event.producer_id, event.transactional_id, number, event.took_ms)

    def _aborted(self, event: TransactionAborted) -> None:
        if self._sampler.passes(f"Transaction {event.outcome}", ALL):
            ending = "aborted" if event.outcome == "aborted" else "left without an answer to its commit"
            number = counted(event.messages, "message")
            text = "[%s] Transaction of %s %s: %s, %s"
            level = logging.INFO if event.outcome == "aborted" else logging.WARNING  # an abort is told to its caller
            self._log.log(level, text, event.producer_id, event.transactional_id, ending, number, event.reason)
