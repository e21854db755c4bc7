"""The bound of the queue of async calls."""

from __future__ import annotations

import asyncio

import pytest

from app.errors import QueueFull
from app.events import QueueFullWaited
from app.messages import OutgoingMessage
from app.producing.budget import QueueBudget
from app.producing.contract import encode
from app.producing.handle import DeliveryHandle
from tests.fakes import Heard
from tests.waiting import until

SIZE = 131


def handle() -> DeliveryHandle:
    """One of exactly 131 bytes."""
    return DeliveryHandle("t", encode(OutgoingMessage(topic="t", payload=b"x" * 100), 1000), 0, None, 10, ("p", 1))


def budget(messages: int = 2, size_bytes: int = 10_000, wait_s: float = 5.0) -> tuple[QueueBudget, Heard]:
    heard = Heard(QueueFullWaited)
    return QueueBudget(messages, size_bytes, wait_s, heard.monitor), heard


def test_messages_are_counted_until_they_are_released() -> None:
    queue, _ = budget()
    first, second = handle(), handle()
    queue.take(first)
    queue.take(second)
    assert (queue.messages, queue.size_bytes) == (2, 2 * SIZE)
    with pytest.raises(QueueFull, match=f"2 of 2 messages, {2 * SIZE} of 10000 bytes"):
        queue.take(handle())
    queue.release(first)
    assert (queue.messages, queue.size_bytes) == (1, SIZE)
    assert queue.oldest_s is not None
    queue.release(second)
    assert queue.oldest_s is None


def test_bytes_are_a_bound_of_their_own() -> None:
    queue, _ = budget(messages=100, size_bytes=2 * SIZE)
    queue.take(handle())
    assert queue.fits(1, SIZE)
    assert not queue.fits(1, SIZE + 1)


def test_what_alone_is_larger_than_the_bound_fits_an_empty_queue() -> None:
    queue, _ = budget(messages=2, size_bytes=10)
    assert queue.fits(500, 10**9)
    queue.take(handle())
    assert not queue.fits(1, 1)


async def test_room_is_given_at_once_where_there_is_some() -> None:
    queue, heard = budget()
    await queue.room(2, 100)
    assert heard.events == []


async def test_those_who_wait_get_room_in_their_order() -> None:
    queue, heard = budget()
    held = [handle(), handle()]
    for one in held:
        queue.take(one)
    order: list[str] = []

    async def wait(name: str, messages: int) -> None:
        await queue.room(messages, messages * SIZE)
        order.append(name)

    large = asyncio.create_task(wait("large", 2))
    await asyncio.sleep(0)
    small = asyncio.create_task(wait("small", 1))
    await asyncio.sleep(0)
    queue.release(held[0])
    await asyncio.sleep(0)
    assert order == []  # the small one would fit, and does not overtake
    queue.release(held[1])
    await until(lambda: "large" in order, "the first that waited was admitted")
    queue.take(two := handle())
    queue.release(two)
    await asyncio.gather(large, small)
    assert order == ["large", "small"]
    assert [event.refused for event in heard.of(QueueFullWaited)] == [False, False]


async def test_who_waits_in_vain_is_refused_and_forgotten() -> None:
    queue, heard = budget(messages=1, wait_s=0.02)
    held = handle()
    queue.take(held)
    with pytest.raises(QueueFull):
        await queue.room(1, SIZE)
    assert [event.refused for event in heard.of(QueueFullWaited)] == [True]
    queue.release(held)
    await queue.room(1, SIZE)


async def test_a_waiter_that_is_cancelled_holds_up_nobody() -> None:
    queue, _ = budget(messages=1)
    held = handle()
    queue.take(held)
    gone = asyncio.create_task(queue.room(1, SIZE))
    await asyncio.sleep(0)
    behind = asyncio.create_task(queue.room(1, SIZE))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait({gone})
    queue.release(held)
    await asyncio.wait_for(behind, 5)
