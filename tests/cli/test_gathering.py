"""Answers leave in one piece."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from app.cli.gathering import GATHERED_BYTES, GatheringTransport


class Wire:
    """A transport that notes what is done with it."""

    def __init__(self) -> None:
        self.done: list[Any] = []
        self.closing = False

    def write(self, data: bytes) -> None:
        self.done.append(data)

    def close(self) -> None:
        self.done.append("close")
        self.closing = True

    def is_closing(self) -> bool:
        return self.closing

    def get_extra_info(self, name: str) -> str:
        return f"the {name}"


def gathering(wire: Wire) -> GatheringTransport:
    return GatheringTransport(cast(asyncio.Transport, wire))


async def test_writes_of_one_turn_leave_together_in_the_next() -> None:
    wire = Wire()
    transport = gathering(wire)
    transport.write(b"head ")
    transport.write(b"body")
    assert wire.done == []
    await asyncio.sleep(0)
    assert wire.done == [b"head body"]
    transport.write(b"more")
    await asyncio.sleep(0)
    assert wire.done == [b"head body", b"more"]


async def test_large_ones_are_written_at_once_behind_what_was_gathered() -> None:
    wire = Wire()
    transport = gathering(wire)
    large = b"x" * (GATHERED_BYTES + 1)
    transport.write(b"head")
    transport.write(large)
    transport.write(b"tail")
    assert wire.done == [b"head", large]
    await asyncio.sleep(0)
    assert wire.done == [b"head", large, b"tail"]


async def test_closing_loses_nothing_and_after_it_nothing_is_written() -> None:
    wire = Wire()
    transport = gathering(wire)
    transport.write(b"last")
    transport.close()
    transport.write(b"late")
    await asyncio.sleep(0)
    assert wire.done == [b"last", "close"]


async def test_everything_else_is_the_transports_own() -> None:
    assert gathering(Wire()).get_extra_info("peername") == "the peername"
