"""This instance alone: what stands for the fleet where there is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.events import Monitor
from app.fleet.desk import Executors
from app.fleet.view import Answer, Command, Execute, Owner, Range, Report, Row

Here = Callable[[], Report]
"""Gives the report of this instance, as of now."""
Owns = Callable[[Owner], bool]
"""Whether this instance has a partition."""


class Alone:
    """Implements `app.fleet.view.FleetView`. `why_off` says why there is no fleet."""

    def __init__(self, instance: str, why_off: str, here: Here, owns: Owns, monitor: Monitor) -> None:
        self._instance = instance
        self._why_off = why_off
        self._here = here
        self._owns = owns
        self._executors = Executors(instance, monitor)

    @property
    def why_off(self) -> str | None:
        return self._why_off

    @property
    def size(self) -> int:
        return 1

    def instances(self) -> Sequence[Report]:
        return (self._here(),)

    def history(self, span: Range) -> Row | None:
        return None

    def errors(self) -> Sequence[Row]:
        return ()

    async def send(self, to: str | Owner, command: Command) -> Answer:
        """Nobody else could answer, so what is not for this instance is not waited for."""
        if to == self._instance or (isinstance(to, Owner) and self._owns(to)):
            return await self._executors.execute(command)
        return Answer(command.id, "no_answer", detail=f"Only this instance can be reached: {self._why_off}")

    def serve(self, name: str, execute: Execute) -> None:
        self._executors.serve(name, execute)

    def start(self) -> None:
        """There is nothing to start."""

    async def stop(self, grace_s: float) -> None:
        """Nor to stop."""
