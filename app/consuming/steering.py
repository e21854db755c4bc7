"""What was asked of a partition besides handling its batch: to pause, to go on, to continue elsewhere."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import NamedTuple

from app.consuming.clock import Clock
from app.consuming.ending import Ending


class Target(NamedTuple):
    """Where to read on. `rewinds`: what is committed follows, also backwards. `moved`: set once that has happened; an
    operator's target has it, and neither a failed run nor the consumer takes its place."""

    offset: int
    rewinds: bool
    moved: asyncio.Event | None = None


class Steering:
    """Belongs to one assignment of one partition. All but `stand_still` may be called from any thread."""

    def __init__(
        self, ending: Ending, clock: Clock, wake: Callable[[], None], held_by: Callable[[], str | None]
    ) -> None:
        self._ending = ending
        self._clock = clock
        self._wake = wake
        self._held_by = held_by
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._until: float | None = None
        self._target: Target | None = None
        self.asked = False
        """Whether a pause or a seek was asked for since it was last set to False."""

    @property
    def paused_by(self) -> str | None:
        """Who paused the partition: an operator's name, `consumer`, or None while it is not paused."""
        if (operator := self._held_by()) is not None:
            return operator
        return "consumer" if self._until is not None and self._clock.now() < self._until else None

    @property
    def has_target(self) -> bool:
        """Whether reading is to go on elsewhere."""
        return self._target is not None

    @property
    def ordered(self) -> bool:
        """Whether it is an operator who wants reading to go on elsewhere."""
        return self._target is not None and self._target.moved is not None

    @property
    def wanted(self) -> bool:
        """Whether something is to be done before the next batch is taken."""
        return self._target is not None or self.paused_by is not None

    def pause(self, offset: int | None, ms: int | None) -> None:
        """No batch from the end of this one on, for `ms` or until `resume`; then from `offset`, where it is given."""
        self.asked = True
        self._until = math.inf if ms is None else self._clock.now() + ms / 1000
        if offset is not None:
            self._aim(Target(offset, rewinds=False))
        self.changed()

    def resume(self) -> None:
        """Ends the consumer's own pause."""
        self._until = None
        self.changed()

    def seek(self, offset: int) -> None:
        """The next batch begins at `offset`."""
        self.asked = True
        self._aim(Target(offset, rewinds=True))
        self.changed()

    def order_seek(self, offset: int) -> asyncio.Event:
        """An operator wants it; the event is set once the next batch begins at `offset`."""
        moved = asyncio.Event()
        self.asked = True
        self._target = Target(offset, rewinds=True, moved=moved)
        self.changed()
        return moved

    def _aim(self, target: Target) -> None:
        if not self.ordered:
            self._target = target

    def forget_target(self) -> None:
        """The run that asked for it has failed: it will be run again."""
        if not self.ordered:
            self._target = None

    def take_target(self) -> Target | None:
        """Where to read on, once."""
        target, self._target = self._target, None
        return target

    def changed(self) -> None:
        """Makes whoever waits look again."""
        try:
            here = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            here = False
        if here:
            self._look_again()
        else:
            self._loop.call_soon_threadsafe(self._look_again)

    def _look_again(self) -> None:
        self._changed.set()
        self._wake()

    async def stand_still(self) -> None:
        """Returns when the partition is not paused, an operator sends it elsewhere, or the end has come."""
        while self.paused_by is not None and not self.ordered and not self._ending.come:
            self._changed.clear()
            held = self._held_by() is not None or self._until is None
            left_s = None if held or self._until == math.inf else (self._until or 0) - self._clock.now()
            await self._clock.wait(self._changed, left_s)
