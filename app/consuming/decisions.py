"""What a failed run means. A policy as functions: they decide, and somebody else carries it out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.errors import MessageFailed, UndecodablePayload
from app.messages import Record
from app.routes.strategies import Dispatch, Retry, Skip, Verdict
from app.routes.table import Subscription


@dataclass(frozen=True, slots=True)
class RunAgain:
    """Run the unmarked records again after `pause_ms`."""

    pause_ms: int


@dataclass(frozen=True, slots=True)
class Isolate:
    """Give the unmarked records one at a time: one of them is guilty, and it is not known which."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The record at `offset` goes to `topic` (None: it is skipped), alone; `pause_ms` before going on."""

    offset: int
    topic: str | None
    pause_ms: int


@dataclass(frozen=True, slots=True)
class GiveUpAll:
    """Every unmarked record goes to `topic` (None: is skipped), in order; `pause_ms` before going on."""

    topic: str | None
    pause_ms: int


@dataclass(frozen=True, slots=True)
class StopService:
    """Nothing is marked, and the service stops in order."""


Decision = RunAgain | Isolate | GiveUp | GiveUpAll | StopService


def decide(error: BaseException, attempt: int, unmarked: Sequence[Record], subscription: Subscription) -> Decision:
    """What to do after failed attempt number `attempt` (1-based) on `unmarked`, which is not empty.

    Without a DLQ everything is retried for ever. An undecodable record goes at once; others after
    `max_retries` more attempts: the one that MessageFailed names, the only one there is, or the one that
    isolation will find. Where offsets are manual, or `isolate` is False, the first unmarked record goes. Where
    `batch` is True all of them go, whichever is named.
    """
    dead_letter, backoff = subscription.dead_letter, subscription.backoff
    if dead_letter is None:
        return RunAgain(backoff.delay_ms(attempt))
    named = guilty_offset(error, unmarked) if searches(subscription) else None
    undecodable = isinstance(error, UndecodablePayload) and (named is not None or dead_letter.batch)
    if attempt <= dead_letter.max_retries and not undecodable:
        return RunAgain(backoff.delay_ms(attempt))
    pause_ms = 0 if undecodable and not dead_letter.batch else backoff.pause_ms
    return _giving_up(named, unmarked, subscription, dead_letter.topic, pause_ms)


def decide_by(
    verdict: Verdict, error: BaseException, attempt: int, unmarked: Sequence[Record], subscription: Subscription
) -> Decision:
    """What a strategy's verdict on `unmarked` means. Arguments as of `decide`."""
    backoff = subscription.backoff
    if isinstance(verdict, Retry):
        return RunAgain(backoff.delay_ms(attempt) if verdict.pause_ms is None else verdict.pause_ms)
    if isinstance(verdict, (Dispatch, Skip)):
        topic = verdict.topic if isinstance(verdict, Dispatch) else None
        named = guilty_offset(error, unmarked) if searches(subscription) else None
        return _giving_up(named, unmarked, subscription, topic, backoff.pause_ms)
    return StopService()


def _giving_up(
    named: int | None, unmarked: Sequence[Record], subscription: Subscription, topic: str | None, pause_ms: int
) -> Decision:
    if subscription.dead_letter is not None and subscription.dead_letter.batch:
        return GiveUpAll(topic, pause_ms)
    if named is not None:
        return GiveUp(named, topic, pause_ms)
    if not searches(subscription) or len(unmarked) == 1:
        return GiveUp(unmarked[0].offset, topic, pause_ms)
    return Isolate()


def searches(subscription: Subscription) -> bool:
    """Whether the guilty record of a batch is searched for, or taken from the error that names it."""
    dead_letter = subscription.dead_letter
    return dead_letter is not None and dead_letter.isolate and not dead_letter.batch and not subscription.manual_offsets


def guilty_offset(error: BaseException, records: Sequence[Record]) -> int | None:
    """The offset of the record that `error` names, if it is one of `records`."""
    if not isinstance(error, (MessageFailed, UndecodablePayload)):
        return None
    offset = error.message.offset
    return offset if any(record.offset == offset for record in records) else None
