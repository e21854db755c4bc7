"""One redrive from its start to its end: what it was asked for, how far it has come, how it ended."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from app.redriving.picking import Picked
from app.redriving.sending import ENDS, Counts, Sender, why_ended

RedriveState = Literal["running", "done", "cancelled", "failed"]
MOST_AT_ONCE = 200
PACES_PER_S = 5
"""A rate is kept by transactions of a fifth of a second's messages."""
STOPPED = "The service stopped"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an operator (`by`) asked for. `records`: offsets by partition, None: all. `target` None: where each came
    from."""

    topic: str
    by: str
    records: Mapping[int, Sequence[int]] | None = None
    target: str | None = None
    rate_per_s: float | None = None
    dry_run: bool = False

    @property
    def at_once(self) -> int:
        """Most messages of one transaction."""
        if self.rate_per_s is None:
            return MOST_AT_ONCE
        return max(1, min(MOST_AT_ONCE, int(self.rate_per_s / PACES_PER_S)))


@dataclass(slots=True)
class Redrive:
    """`total`: how many records were wanted, None while that is not known. Of a dry run `done` counts what would be
    sent. `kept`: None, or why it will not be remembered for longer than this process lives."""

    wanted: Wanted
    total: int | None = None
    not_kept: str | None = None
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    state: RedriveState = "running"
    counts: Counts = field(default_factory=Counts)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended_at: datetime | None = None
    detail: str | None = None
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self, state: RedriveState, detail: str | None = None) -> None:
        """It is over."""
        self.state = state
        self.ended_at = datetime.now(UTC)
        self.detail = detail or self.counts.why

    async def run(self, picked: AsyncGenerator[Picked, None], sender: Sender) -> None:
        """Until everything is sent, or it is cancelled; never raises but what cancels its task."""
        try:
            await (sender.look() if self.wanted.dry_run else sender.begin())
            await self._work_off(picked, sender)
            self.end("cancelled" if self.cancelled.is_set() else "done")
        except asyncio.CancelledError:
            self.end("cancelled", STOPPED)
            raise
        except ENDS as error:
            self.end("failed", why_ended(error))
        finally:
            await sender.close()

    async def _work_off(self, picked: AsyncGenerator[Picked, None], sender: Sender) -> None:
        pace = Pace(self.wanted.rate_per_s)
        async with aclosing(picked) as batches:
            async for batch in batches:
                for _ in range(batch.missing):
                    self.counts.failed += 1
                    self.counts.why = self.counts.why or "Some of the records are not there (any more)"
                letters, counts = sender.sort(batch.records)
                self.counts.add(counts)
                if letters and not self.wanted.dry_run:
                    await pace.wait(len(letters), self.cancelled)
                if self.cancelled.is_set():
                    return
                if self.wanted.dry_run:
                    self.counts.done += len(letters)
                else:
                    self.counts.add(await sender.send(letters))


class Pace:
    """Lets through so many messages in a second, evenly; None: as many as come."""

    def __init__(self, rate_per_s: float | None) -> None:
        self._rate_per_s = rate_per_s
        self._next_at = time.monotonic()

    async def wait(self, messages: int, cancelled: asyncio.Event) -> None:
        """Returns when so many may go, or at once when it is cancelled."""
        if self._rate_per_s is None:
            return
        now = time.monotonic()
        left_s = self._next_at - now
        self._next_at = max(now, self._next_at) + messages / self._rate_per_s
        if left_s > 0 and not cancelled.is_set():
            waiting = asyncio.wait_for(cancelled.wait(), left_s)
            try:
                await waiting
            except TimeoutError:
                return
