"""Kafka is asked once for all who look, and again when that is too old."""

from __future__ import annotations

import asyncio

import pytest

from app.dashboard.cluster_facts import Kept, optional
from app.errors import KafkaUnavailable, NotSupportedByBroker
from tests.waiting import until


class Question:
    def __init__(self) -> None:
        self.asked = 0
        self.fails = False

    async def ask(self) -> int:
        self.asked += 1
        await asyncio.sleep(0)
        if self.fails:
            raise KafkaUnavailable("away")
        return self.asked


async def test_all_who_ask_at_the_same_time_get_one_answer() -> None:
    question = Question()
    kept = Kept(question.ask, 60)
    assert set(await asyncio.gather(*(kept.get() for _ in range(10)))) == {1}
    kept.forget()
    assert await kept.get() == 2


async def test_an_answer_that_is_too_old_is_not_given() -> None:
    question = Question()
    kept = Kept(question.ask, 0)
    assert await kept.get() == 1

    async def asked_again() -> bool:
        return await kept.get() == 2

    await until(asked_again, "it is asked again")


async def test_what_takes_long_is_kept_longer() -> None:
    asked = 0

    async def ask() -> int:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.5)
        return asked

    kept = Kept(ask, 0)
    assert [await kept.get(), await kept.get()] == [1, 1]


async def test_a_failure_is_not_kept() -> None:
    question = Question()
    kept = Kept(question.ask, 60)
    question.fails = True
    with pytest.raises(KafkaUnavailable):
        await kept.get()
    question.fails = False
    assert await kept.get() == 2


async def test_what_nobody_tells_is_none() -> None:
    async def unsupported() -> int:
        raise NotSupportedByBroker("unsupported", "this broker cannot do it")

    assert await optional(unsupported()) is None
