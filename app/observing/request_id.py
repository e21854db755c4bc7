"""The id of the request that is being answered, so that log lines can carry it."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any
from weakref import ref

_current: ContextVar[tuple[str, ref[asyncio.Task[Any]]] | None] = ContextVar("demijohn_request", default=None)


def begin_request(request_id: str) -> None:
    """From now on this task answers the request with this id.

    Tasks that it starts inherit the context, and some of them live on; so the task is remembered too: weakly, as a
    task holds its context, and a ring of the two would be garbage that only the cyclic collector frees.

    Raises RuntimeError outside a task.
    """
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("only a task answers requests")
    _current.set((request_id, ref(task)))


def current_request_id() -> str | None:
    """The id of the request that the running task answers; None where it answers none."""
    current = _current.get()
    if current is None:
        return None
    request_id, task = current
    try:
        return request_id if asyncio.current_task() is task() else None
    except RuntimeError:  # no loop runs in this thread
        return None
