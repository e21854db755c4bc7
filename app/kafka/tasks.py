"""Waiting for a client's coroutines without hanging and without leaving them behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
AFTER_GRACE_S = 2.0
CANCEL_TIMEOUT_S = 0.5
"""How long cancelled tasks may take to end."""


def reason(error: BaseException) -> str:
    """What happened, in words: some errors of clients and of asyncio have no text."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error) or type(error).__name__


async def bounded(coroutine: Coroutine[Any, Any, T], timeout_s: float) -> T:
    """The result of `coroutine`, run in a task of its own. Raises TimeoutError after `timeout_s`.

    Unlike `asyncio.wait_for` it does not wait for the cancelled task: a coroutine that will not be cancelled
    cannot hold the caller. Its late outcome is read and dropped.
    """
    task = asyncio.ensure_future(coroutine)
    task.add_done_callback(_read)
    try:
        await asyncio.wait({task}, timeout=timeout_s)
    finally:
        if not task.done():
            task.cancel()
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


async def unless(hurry: asyncio.Event, coroutine: Coroutine[Any, Any, Any]) -> None:
    """Runs `coroutine` until it ends, or until `hurry` is set: then it is cancelled. Its outcome is dropped."""
    running = asyncio.ensure_future(coroutine)
    hurried = asyncio.ensure_future(hurry.wait())
    try:
        await asyncio.wait({running, hurried}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end([running, hurried], CANCEL_TIMEOUT_S)


class Stop:
    """Runs `steps` once, in a task of its own, so that no caller's end can cut it short.

    `steps` is given an event that is set when patience ends: when the grace of any caller is over or a caller is
    cancelled. It must then end within `AFTER_GRACE_S`.
    """

    def __init__(self, steps: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
        self._steps = steps
        self._hurry = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def begun(self) -> bool:
        return self._task is not None

    async def within(self, grace_s: float) -> None:
        """Begins, or joins in. Returns after at most `grace_s` + 2 s; never raises what a step raised."""
        if self._task is None:
            self._task = asyncio.create_task(self._steps(self._hurry))
            self._task.add_done_callback(_read)
        patience = asyncio.get_running_loop().call_later(max(0.0, grace_s), self._hurry.set)
        try:
            await asyncio.wait({self._task}, timeout=max(0.0, grace_s) + AFTER_GRACE_S)
        except asyncio.CancelledError:
            self._hurry.set()
            raise
        finally:
            patience.cancel()


def _read(task: asyncio.Future[Any]) -> None:
    if not task.cancelled():
        task.exception()
