"""Fetches of many partitions keep a distance; a record after a silence, and a few partitions, wait for nothing."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any

from app.kafka.pacing import PER_PARTITION_S, pace_fetches

NODE = 1


class Fetcher:
    """Answers each fetch at once, and remembers when it was made."""

    def __init__(self) -> None:
        self.fetched_at: list[float] = []
        pace_fetches(self)

    async def _proc_fetch_request(self, assignment: Any, node_id: int, request: Any) -> bool:
        self.fetched_at.append(time.monotonic())
        return True

    async def fetch(self, partitions: int, node: int = NODE) -> bool:
        answer: bool = await self._proc_fetch_request(None, node, request_of(partitions))
        return answer


def request_of(partitions: int) -> Any:
    half = [(number, 0, 1) for number in range(partitions // 2)]
    return SimpleNamespace(topics=[("a", half), ("b", half)])


async def test_the_next_fetch_of_many_partitions_waits() -> None:
    fetcher = Fetcher()
    assert await fetcher.fetch(4000)
    assert await fetcher.fetch(4000)
    first, second = fetcher.fetched_at
    assert second - first >= 4000 * PER_PARTITION_S * 0.95


async def test_another_broker_and_a_few_partitions_are_not_waited_for(monkeypatch: Any) -> None:
    async def sleep(seconds: float) -> None:
        raise AssertionError(f"slept {seconds} s")

    fetcher = Fetcher()
    await fetcher.fetch(4000)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    await fetcher.fetch(4000, node=2)
    await fetcher.fetch(20)


async def test_a_fetch_that_waits_when_the_assignment_passes_has_fetched_nothing() -> None:
    fetcher = Fetcher()
    await fetcher.fetch(200_000)
    waiting = asyncio.create_task(fetcher.fetch(200_000))
    await asyncio.sleep(0)
    waiting.cancel()
    assert await waiting is False
    assert len(fetcher.fetched_at) == 1
