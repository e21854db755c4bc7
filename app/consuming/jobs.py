"""Runs one hook of a consumer and says how it ended: the one place that catches whatever user code raises."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Literal

from app.consuming.threads import ThreadPool

CRITICAL = (SystemExit, KeyboardInterrupt, MemoryError)
"""Errors after which the service must stop: nothing is marked or dead-lettered for them."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a hook ended; `error` is None where it is done."""

    kind: Literal["done", "failed", "cancelled", "critical"]
    error: BaseException | None = None


DONE = Outcome("done")


Hook = Callable[[], Awaitable[None] | None]
"""A coroutine function, or a plain one that runs in a thread."""
Around = Callable[[], AbstractAsyncContextManager[object]]
"""Makes what is entered around a hook."""


async def run_hook(
    hook: Hook, cancelling: Callable[[], bool], threads: ThreadPool, around: Around | None = None
) -> Outcome:
    """Runs `hook` to its end. A CancelledError counts as `cancelled` only where `cancelling` says that we meant it:
    one that the hook's own code let escape is a failure like any other."""
    try:
        if around is None:
            await _run(hook, threads)
        else:
            async with around():
                await _run(hook, threads)
    except asyncio.CancelledError as error:
        return Outcome("cancelled" if cancelling() else "failed", error)
    except CRITICAL as error:
        return Outcome("critical", error)
    except BaseException as error:
        return Outcome("failed", error)
    return DONE


async def _run(hook: Hook, threads: ThreadPool) -> None:
    if inspect.iscoroutinefunction(hook):
        await hook()
    else:
        await threads.run(hook)
