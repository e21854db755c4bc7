"""Hearing of rebalances."""

from __future__ import annotations

import pytest
from aiokafka import TopicPartition as ClientPartition

from app.kafka.rebalances import RebalanceListener
from app.messages import TopicPartition
from tests.kafka.doubles import Listener

AT = ClientPartition("t", 0)


async def test_partitions_are_handed_on() -> None:
    told = Listener()
    listener = RebalanceListener(told, lambda _: None)
    await listener.on_partitions_revoked({AT})
    await listener.on_partitions_assigned({AT})
    ours = frozenset({TopicPartition("t", 0)})
    assert told.calls == [("revoked", ours), ("assigned", ours)]


async def test_a_rebalance_is_over_when_the_listener_is_done_with_it() -> None:
    seen: list[bool] = []
    listener = RebalanceListener(Listener(lambda _: look()), lambda _: None)

    async def look() -> None:
        seen.append(listener.assigned)

    await listener.on_partitions_assigned({AT})
    assert (seen, listener.assigned, listener.polled) == ([False], True, False)
    listener.polled = True
    await listener.on_partitions_revoked({AT})
    assert (listener.assigned, listener.polled) == (False, False)


async def test_what_the_listener_raises_is_kept_as_the_client_only_logs_it() -> None:
    async def fail(_: object) -> None:
        raise ValueError("a defect")

    kept: list[BaseException] = []
    listener = RebalanceListener(Listener(fail), kept.append)
    with pytest.raises(ValueError, match="a defect"):
        await listener.on_partitions_assigned({AT})
    assert [str(error) for error in kept] == ["a defect"]
    assert not listener.assigned
