"""How a hook ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from app.consuming.jobs import CRITICAL, DONE, run_hook
from app.consuming.threads import ThreadPool


def raising(error: BaseException) -> Callable[[], Awaitable[None]]:
    async def hook() -> None:
        raise error

    return hook


async def nothing() -> None:
    return


async def test_done_is_done() -> None:
    assert await run_hook(nothing, lambda: False, ThreadPool(2)) is DONE


@pytest.mark.parametrize("error", [ValueError("x"), ExceptionGroup("g", [ValueError()]), GeneratorExit()])
async def test_whatever_user_code_raises_is_a_failure(error: BaseException) -> None:
    outcome = await run_hook(raising(error), lambda: False, ThreadPool(2))
    assert (outcome.kind, outcome.error) == ("failed", error)


@pytest.mark.parametrize("error_class", CRITICAL)
async def test_a_critical_error_is_caught_and_named(error_class: type[BaseException]) -> None:
    outcome = await run_hook(raising(error_class()), lambda: False, ThreadPool(2))
    assert outcome.kind == "critical"


async def test_a_cancellation_that_we_did_not_mean_is_a_failure() -> None:
    assert (await run_hook(raising(asyncio.CancelledError()), lambda: False, ThreadPool(2))).kind == "failed"
    assert (await run_hook(raising(asyncio.CancelledError()), lambda: True, ThreadPool(2))).kind == "cancelled"
