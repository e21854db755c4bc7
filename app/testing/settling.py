"""Waits until a consumer has come to rest, lets the clock's time pass for it, and says what it does if it does not."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

from app.events import ErrorOccurred, RetryScheduled
from app.testing.clock import PassingClock
from app.testing.failures import ConsumerTestFailed, HookFailed, NotSettled, ServiceStopped, StillFailing
from app.testing.member import MemoryMember
from app.testing.recorder import HookRun

MOST_RETRIES = 20
"""So many retries from one offset count as for ever: they would take over eight minutes with the default pauses."""
SEEN_BY_THE_TABLE = ("consumer.consume", "consumer.dead_letter", "consumer.position", "consumer.fetch")
"""Kinds of errors after which the engine tries again: not lost on anybody."""


class Settled(Protocol):
    """What is looked at: an engine."""

    member: MemoryMember
    critical_error: BaseException | None

    @property
    def workers(self) -> int: ...
    @property
    def running(self) -> list[HookRun]: ...
    @property
    def ended(self) -> str | None: ...
    @property
    def in_flight(self) -> int: ...
    def states(self) -> Sequence[str]: ...


class Settling:
    """Everything that happens calls `stir`; nothing else makes it look again. `timeout_s` bounds each real wait."""

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self.clock = PassingClock(self.stir)
        self._stirred = asyncio.Event()

    def watch(self, engine: Settled) -> None:
        """This is the engine in question."""
        self._engine = engine

    def stir(self) -> None:
        """Something has happened."""
        self._stirred.set()

    async def settle(self, facts: Callable[[], Sequence[object]], for_ms: int | None) -> None:
        """Returns when nothing more will happen by itself, or `for_ms` of the clock's time have passed. `facts` are
        those since the last time. Raises NotSettled, StillFailing, ServiceStopped."""
        until = None if for_ms is None else self.clock.now() + for_ms / 1000
        deadline = time.monotonic() + self.timeout_s
        while True:
            self._stirred.clear()
            self._raise_what_ended_it()
            if await self._at_rest():
                if not self.clock.pass_on(until):
                    return
                if until is None:
                    _raise_what_fails_for_ever(facts())
                continue
            try:
                async with asyncio.timeout(deadline - time.monotonic()):
                    await self._stirred.wait()
            except TimeoutError:
                raise NotSettled(f"after {self.timeout_s:g} s {self._doing()}") from None

    async def _at_rest(self) -> bool:
        """Whether everybody waits, and still does when whatever was about to happen has happened."""
        for _ in range(2):
            engine = self._engine
            if not (engine.member.has_polled and self.clock.all_wait(engine.workers) and engine.in_flight == 0):
                return False
            await asyncio.sleep(0)
        return True

    def _raise_what_ended_it(self) -> None:
        engine = self._engine
        if (error := engine.critical_error) is not None:
            raise ServiceStopped(f"the service would stop, exit code 3: {error!r}") from error
        if (reason := engine.ended) is not None:
            raise ConsumerTestFailed(f"the engine has given up: {reason}")

    def _doing(self) -> str:
        engine = self._engine
        if running := engine.running:
            return "; ".join(_described(run) for run in running)
        if engine.in_flight:
            return f"{engine.in_flight} produced messages have no verdict yet"
        return (
            f"no hook runs, the partitions are {', '.join(engine.states()) or 'not assigned'}, and "
            f"{self.clock.now():g} s of the clock's time have passed"
        )

    def raise_what_nobody_sees(self, facts: Sequence[object]) -> None:
        """Raises HookFailed for what the service would log and otherwise ignore."""
        for fact in facts:
            if isinstance(fact, ErrorOccurred) and fact.kind not in SEEN_BY_THE_TABLE:
                raise HookFailed(f"{fact.kind} of {fact.consumer} failed: {fact.error!r}") from fact.error


def _raise_what_fails_for_ever(facts: Sequence[object]) -> None:
    retries = Counter((fact.partition, fact.offset) for fact in facts if isinstance(fact, RetryScheduled))
    if not retries:
        return
    (partition, offset), count = retries.most_common(1)[0]
    if count > MOST_RETRIES:
        last = [fact for fact in facts if isinstance(fact, ErrorOccurred) and fact.partition == partition][-1]
        raise StillFailing(
            f"{last.consumer} failed {count} times on {last.topic}-{partition} from offset {offset}, last with "
            f"{last.error!r}; the service would go on trying for ever. for_ms=… lets only some time pass"
        ) from last.error


def _described(run: HookRun) -> str:
    batch = f" with the messages {run.offsets}, attempt {run.attempt}," if run.offsets else ""
    return f"{run.hook} of partition {run.partition}{batch} still runs{run.where}"
