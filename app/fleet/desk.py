"""Commands that reach this instance, and what it is to remember."""

from __future__ import annotations

from collections.abc import Mapping

from app.error_words import error_text
from app.errors import CommandRefused
from app.events import ErrorOccurred, Monitor
from app.fleet.view import Answer, Command, Execute, Outcome, Row, Watch


class Executors:
    """Executes commands, each by whoever serves its name."""

    def __init__(self, instance: str, monitor: Monitor) -> None:
        self.instance = instance
        self._monitor = monitor
        self._by_name: dict[str, Execute] = {}

    def serve(self, name: str, execute: Execute) -> None:
        self._by_name[name] = execute

    async def execute(self, command: Command) -> Answer:
        """What came of it; never raises: a mistake of an executor is announced."""
        execute = self._by_name.get(command.name)
        if execute is None:
            return self._answer(command, "refused", f"This instance knows no command {command.name!r}")
        try:
            result = await execute(command)
        except CommandRefused as error:
            return self._answer(command, "refused", str(error))
        except Exception as error:  # of whoever serves it
            self._monitor.emit(ErrorOccurred("fleet.command", error))
            return self._answer(command, "failed", error_text(error))
        return Answer(command.id, "done", self.instance, result=result)

    def _answer(self, command: Command, outcome: Outcome, detail: str) -> Answer:
        return Answer(command.id, outcome, self.instance, detail)


class Memory:
    """Values under keys, and who wants to hear of changes."""

    def __init__(self) -> None:
        self._values: dict[str, Row] = {}
        self._watches: list[tuple[str, Watch]] = []

    def remembered(self, prefix: str) -> Mapping[str, Row]:
        return {key: value for key, value in self._values.items() if key.startswith(prefix)}

    def keep(self, key: str, value: Row | None) -> None:
        """Tells those who watch, unless it was so already."""
        if self._values.get(key) == value:
            return
        if value is None:
            del self._values[key]
        else:
            self._values[key] = value
        for prefix, told in self._watches:
            if key.startswith(prefix):
                told(key, value)

    def watch(self, prefix: str, told: Watch) -> None:
        self._watches.append((prefix, told))
        for key, value in self.remembered(prefix).items():
            told(key, value)
