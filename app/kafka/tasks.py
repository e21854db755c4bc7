"""Waiting for tasks without hanging and without leaving them behind."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def bounded(coroutine: Coroutine[Any, Any, T], timeout_s: float) -> T:
    """The result of `coroutine`, run in a task of its own. Raises TimeoutError after `timeout_s`.

    Unlike `asyncio.wait_for` it does not wait for the cancelled task: a coroutine that will not be cancelled
    cannot hold the caller. Its late outcome is read and dropped.
    """
    task = asyncio.ensure_future(coroutine)
    try:
        await asyncio.wait({task}, timeout=timeout_s)
    finally:
        if not task.done():
            task.cancel()
            task.add_done_callback(_read)
    if not task.done():
        raise TimeoutError
    return task.result()


async def end(tasks: list[asyncio.Task[Any]], timeout_s: float) -> None:
    """Cancels `tasks` and waits until they are done, at most `timeout_s`; their outcomes are read."""
    pending = {task for task in tasks if not task.done()}
    for task in pending:
        task.cancel()
    if pending:
        await asyncio.wait(pending, timeout=timeout_s)
    for task in tasks:
        if task.done():
            _read(task)
        else:
            task.add_done_callback(_read)


def _read(task: asyncio.Future[Any]) -> None:
    if not task.cancelled():
        task.exception()
