"""One accepted message on its way to its one verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from app.errors import BrokerUnavailable, DeliveryUnknown
from app.messages import OutgoingMessage
from app.producing.contract import encode
from app.producing.handle import DeliveryHandle, wait_for_future


def handle(deadline_s: float = 10) -> DeliveryHandle:
    message = OutgoingMessage(topic="t", payload=1, key="k", timestamp=7)
    return DeliveryHandle("t", encode(message, 1000), 3, "label", deadline_s, ("prefix", 255))


def watched(one: DeliveryHandle) -> list[str]:
    """What its owners were told, in order."""
    told: list[str] = []

    def says(what: str) -> Callable[[DeliveryHandle], None]:
        return lambda _: told.append(what)

    one.watch(says("settled"), says("released"), says("withdrawn"))
    return told


def test_the_report_says_all_there_is() -> None:
    one = handle()
    assert (one.report, one.status, one.done) == (None, None, False)
    one.hand_over()
    one.settle(None, 42)
    report = one.report
    assert report is not None
    assert (report.topic, report.partition, report.offset, report.timestamp) == ("t", 3, 42, 7)
    assert (report.status, report.error, report.label, report.key) == ("delivered", None, "label", b"k")
    assert (report.attempts, report.message_id) == (1, "prefix-ff")


def test_only_the_first_verdict_counts() -> None:
    one = handle()
    told = watched(one)
    one.settle(DeliveryUnknown())
    one.settle(None, 5)
    assert (one.status, one.offset) == ("unknown", None)
    assert told == ["released", "settled"]


def test_it_can_be_withdrawn_only_before_it_is_handed_over() -> None:
    kept, gone = handle(), handle()
    told = watched(kept)
    kept.hand_over()
    assert not kept.withdraw()
    assert kept.status is None
    told = watched(gone)
    assert gone.withdraw()
    assert gone.status == "failed"
    assert isinstance(gone.error, BrokerUnavailable)
    assert told == ["released", "settled", "withdrawn"]


def test_what_the_client_did_not_take_is_ours_again() -> None:
    one = handle()
    told = watched(one)
    one.hand_over()
    one.take_back()
    assert one.withdraw()
    assert told.count("released") == 1


async def test_all_who_wait_are_told() -> None:
    one = handle()
    waiting = [asyncio.create_task(one.wait(5)) for _ in range(3)]
    await asyncio.sleep(0)
    one.settle(None, 1)
    assert {report.offset for report in await asyncio.gather(*waiting)} == {1}


async def test_a_wait_ends_and_the_delivery_goes_on() -> None:
    one = handle()
    with pytest.raises(TimeoutError, match=r"prefix-ff within 0\.01 s"):
        await one.wait(0.01)
    one.settle(None, 1)
    assert (await one.wait(0)).offset == 1


async def test_a_cancelled_wait_changes_nothing() -> None:
    one = handle()
    waiting = asyncio.create_task(one.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting})
    assert one.status is None
    one.settle(None, 9)
    assert one.offset == 9


async def test_waiting_for_a_future_never_cancels_it() -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    await wait_for_future(future, 0.01)
    assert not future.done()
    future.set_result(None)
    await wait_for_future(future, 5)
