"""The client in use, and its replacement."""

from __future__ import annotations

import asyncio

import pytest

from app.errors import KafkaUnavailable
from app.events import ProducerRebuilt
from app.kafka.protocols import ClientOptions, ProducerClient
from app.producing.clients import ClientSlot
from tests.fakes import FakeKafka, Heard
from tests.waiting import until


class Opened(FakeKafka):
    """A client that remembers with what grace it was stopped."""

    def __init__(self) -> None:
        super().__init__({"t": 1})
        self.graces: list[float] = []

    async def stop(self, grace_s: float) -> None:
        self.graces.append(grace_s)


class Opener:
    """Opens a new client each time, after `refusals` refusals and when `gate` is open."""

    def __init__(self) -> None:
        self.clients: list[Opened] = []
        self.refusals = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, options: ClientOptions) -> ProducerClient:
        await self.gate.wait()
        if self.refusals:
            self.refusals -= 1
            raise KafkaUnavailable
        self.clients.append(Opened())
        return self.clients[-1]


@pytest.fixture
def opener() -> Opener:
    return Opener()


@pytest.fixture
def heard() -> Heard:
    return Heard(ProducerRebuilt)


@pytest.fixture
def slot(opener: Opener, heard: Heard) -> ClientSlot:
    return ClientSlot(opener, heard.monitor, "demijohn-1")


async def test_all_who_ask_at_once_get_one_client(slot: ClientSlot, opener: Opener) -> None:
    answers = await asyncio.gather(*(slot.current() for _ in range(20)))
    assert {client for client, _ in answers} == {opener.clients[0]}
    assert {generation for _, generation in answers} == {1}


async def test_a_refusal_is_told_to_all_who_asked_and_the_next_call_tries_again(
    slot: ClientSlot, opener: Opener
) -> None:
    opener.refusals = 1
    outcomes = await asyncio.gather(slot.current(), slot.current(), return_exceptions=True)
    assert all(isinstance(outcome, KafkaUnavailable) for outcome in outcomes)
    assert (await slot.current())[1] == 1


async def test_one_who_gives_up_waiting_does_not_end_the_opening(slot: ClientSlot, opener: Opener) -> None:
    opener.gate.clear()
    gone, staying = asyncio.create_task(slot.current()), asyncio.create_task(slot.current())
    await asyncio.sleep(0.01)
    gone.cancel()
    opener.gate.set()
    assert (await staying)[1] == 1


async def test_two_that_find_it_broken_cause_one_replacement(slot: ClientSlot, opener: Opener, heard: Heard) -> None:
    _, generation = await slot.current()
    slot.retire(generation, "t-0: refused", grace_s=3)
    slot.retire(generation, "t-1: refused", grace_s=3)
    (first, first_generation), (second, _) = await asyncio.gather(slot.current(), slot.current())
    assert first is second
    assert first_generation == 2
    slot.retire(generation, "an old one", grace_s=3)
    assert (await slot.current())[1] == 2
    assert slot.rebuilds == 1
    assert [event.reason for event in heard.of(ProducerRebuilt)] == ["t-0: refused"]
    await until(lambda: opener.clients[0].graces == [3], "the old client was stopped")


async def test_a_client_whose_sender_died_is_replaced(slot: ClientSlot, opener: Opener, heard: Heard) -> None:
    first, _ = await slot.current()
    opener.clients[0].alive = False
    second, generation = await slot.current()
    assert second is not first
    assert generation == 2
    assert [event.reason for event in heard.of(ProducerRebuilt)] == ["its sender task died"]


async def test_closing_stops_it_and_nothing_is_opened_after(slot: ClientSlot, opener: Opener) -> None:
    await slot.current()
    await slot.close(0.5)
    assert opener.clients[0].graces == [0.5]
    with pytest.raises(KafkaUnavailable, match="closed"):
        await slot.current()


async def test_closing_while_it_opens_leaves_nobody_waiting(slot: ClientSlot, opener: Opener) -> None:
    opener.gate.clear()
    waiting = asyncio.create_task(slot.current())
    await asyncio.sleep(0.01)
    await slot.close(0.1)
    with pytest.raises(KafkaUnavailable):
        await waiting
    assert opener.clients == []
