"""Tasks that somebody owns: started, kept until they end, their outcomes read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class OwnedTasks(Generic[T]):
    """Those of one owner. `failed` is told what a task raised; it was told to nobody else."""

    def __init__(self, failed: Callable[[BaseException], None] | None = None) -> None:
        self._failed = failed
        self._tasks: set[asyncio.Task[T]] = set()

    def __bool__(self) -> bool:
        """Whether any still runs."""
        return bool(self._tasks)

    def spawn(self, coroutine: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Runs `coroutine` in a task."""
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[T]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) and self._failed is not None:
            self._failed(error)

    def cancel(self) -> None:
        """Cancels all that run."""
        for task in self._tasks:
            task.cancel()

    async def wait(self, timeout_s: float) -> None:
        """Returns when those that run now have ended, at most after `timeout_s`."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=timeout_s)
