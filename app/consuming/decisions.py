"""What a failed run means. A policy as a function: it decides, and somebody else carries it out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.errors import MessageFailed, UndecodablePayload
from app.messages import Record
from app.routes.table import Subscription


@dataclass(frozen=True, slots=True)
class Retry:
    """Run the unmarked records again after `pause_ms`."""

    pause_ms: int


@dataclass(frozen=True, slots=True)
class Isolate:
    """Give the unmarked records one at a time: one of them is guilty, and it is not known which."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The record at `offset` goes to the DLQ (or is skipped), alone; `pause_ms` before going on."""

    offset: int
    pause_ms: int
    rest_first: bool
    """True: what stands before it is delivered again without it, as nothing says that it was done."""


@dataclass(frozen=True, slots=True)
class GiveUpAll:
    """Every unmarked record goes to the DLQ (or is skipped), in order; `pause_ms` before going on."""

    pause_ms: int


Decision = Retry | Isolate | GiveUp | GiveUpAll


def decide(error: BaseException, attempt: int, unmarked: Sequence[Record], subscription: Subscription) -> Decision:
    """What to do after failed attempt number `attempt` (1-based) on `unmarked`, which is not empty.

    Without a DLQ everything is retried for ever. An undecodable record goes at once; others after
    `max_retries` more attempts: the one that MessageFailed names, the only one there is, or the one that
    isolation will find. Where offsets are manual, or `isolate` is False, the first unmarked record goes. Where
    `batch` is True all of them go, whichever is named.
    """
    dead_letter, backoff = subscription.dead_letter, subscription.backoff
    if dead_letter is None:
        return Retry(backoff.delay_ms(attempt))
    if dead_letter.batch:
        hopeless = attempt > dead_letter.max_retries or isinstance(error, UndecodablePayload)
        return GiveUpAll(backoff.pause_ms) if hopeless else Retry(backoff.delay_ms(attempt))
    searching = dead_letter.isolate and not subscription.manual_offsets
    named = guilty_offset(error, unmarked) if searching else None
    if named is not None and isinstance(error, UndecodablePayload):
        return GiveUp(named, 0, rest_first=True)
    if attempt <= dead_letter.max_retries:
        return Retry(backoff.delay_ms(attempt))
    base_ms = backoff.pause_ms
    if named is not None:
        return GiveUp(named, base_ms, rest_first=True)
    if not searching or len(unmarked) == 1:
        return GiveUp(unmarked[0].offset, base_ms, rest_first=False)
    return Isolate()


def guilty_offset(error: BaseException, records: Sequence[Record]) -> int | None:
    """The offset of the record that `error` names, if it is one of `records`."""
    if not isinstance(error, (MessageFailed, UndecodablePayload)):
        return None
    offset = error.message.offset
    return offset if any(record.offset == offset for record in records) else None
