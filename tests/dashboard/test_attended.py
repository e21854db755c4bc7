"""Work ends when its caller leaves."""

from __future__ import annotations

import asyncio

import pytest

from app.api.bodies import ClientGone
from app.api.replies import Message
from app.dashboard.attended import attended


class Caller:
    def __init__(self) -> None:
        self.gone = asyncio.Event()

    async def receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}


async def test_a_caller_who_stays_gets_the_result() -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        return 7

    assert await attended(Caller().receive, work()) == 7


async def test_what_the_work_raises_is_raised() -> None:
    async def work() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await attended(Caller().receive, work())


async def test_work_is_cancelled_and_cleans_up_when_the_caller_leaves() -> None:
    caller, begun, cleaned = Caller(), asyncio.Event(), False

    async def work() -> None:
        nonlocal cleaned
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned = True

    attending = asyncio.ensure_future(attended(caller.receive, work()))
    await begun.wait()
    caller.gone.set()
    with pytest.raises(ClientGone):
        await attending
    assert cleaned
