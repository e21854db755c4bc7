"""The real clock."""

from __future__ import annotations

import asyncio

import pytest

from app.consuming.clock import Clock


@pytest.mark.parametrize("timeout_s", [None, 60.0])
async def test_a_wait_ends_with_its_event(timeout_s: float | None) -> None:
    event = asyncio.Event()
    asyncio.get_running_loop().call_soon(event.set)
    await asyncio.wait_for(Clock().wait(event, timeout_s), 5)


@pytest.mark.parametrize("timeout_s", [-1.0, 0.0, 0.02])
async def test_a_wait_ends_after_its_time(timeout_s: float) -> None:
    clock = Clock()
    started = clock.now()
    await asyncio.wait_for(clock.wait(asyncio.Event(), timeout_s), 5)
    assert clock.now() >= started + timeout_s


async def test_a_wait_can_be_cancelled() -> None:
    waiting = asyncio.ensure_future(Clock().wait(asyncio.Event(), 60.0))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting}, timeout=5)
    assert waiting.cancelled()
