"""Threads for hooks that are written as plain `def`: blocking code must not stop the loop and its heartbeats."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import NamedTuple


class Call(NamedTuple):
    """A function to run, and who waits for its end."""

    function: Callable[[], object]
    loop: asyncio.AbstractEventLoop
    ended: asyncio.Future[None]


class ThreadPool:
    """At most `most` daemon threads, started when they are needed: one that hangs does not keep the process alive."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._calls: queue.SimpleQueue[Call] = queue.SimpleQueue()
        self._threads = 0
        self._busy = 0

    async def run(self, function: Callable[[], object]) -> None:
        """Runs `function` in a thread, in the caller's context, and raises what it raises. Where the caller is cut
        it goes on, and what becomes of it is nobody's business any more."""
        loop = asyncio.get_running_loop()
        function = partial(copy_context().run, function)
        ended: asyncio.Future[None] = loop.create_future()
        self._busy += 1
        if self._busy > self._threads and self._threads < self._most:
            self._threads += 1
            threading.Thread(target=self._work, name=f"consumer-{self._threads}", daemon=True).start()
        self._calls.put(Call(function, loop, ended))
        await ended

    def _work(self) -> None:
        while True:
            call = self._calls.get()
            error = None if call.ended.cancelled() else _error_of(call.function)
            with contextlib.suppress(RuntimeError):  # the loop has been closed: nobody waits
                call.loop.call_soon_threadsafe(self._finished, call.ended, error)

    def _finished(self, ended: asyncio.Future[None], error: BaseException | None) -> None:
        self._busy -= 1
        if ended.done():
            return
        if error is None:
            ended.set_result(None)
        else:
            ended.set_exception(error)


def _error_of(function: Callable[[], object]) -> BaseException | None:
    """What `function` raised. A future takes any error but StopIteration."""
    try:
        function()
    except StopIteration as stop:
        error = RuntimeError(f"the hook raised {stop!r}")
        error.__cause__ = stop
        return error
    except BaseException as raised:
        return raised
    return None
