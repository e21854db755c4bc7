"""Answers leave in one piece."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from uvicorn import Config

from app.cli.gathering import GATHERED_BYTES, EndingState, GatheringProtocol, GatheringTransport


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

    def get_extra_info(self, name: str) -> str | None:
        return None if name == "socket" else f"the {name}"


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


@pytest.mark.parametrize("callers", [1, 2])
async def test_a_lone_answer_is_written_within_its_turn_and_those_of_several_at_its_end(callers: int) -> None:
    wires = [Wire() for _ in range(callers)]
    written_in_the_turn: list[list[int]] = []

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})
        written_in_the_turn.append([len(wire.done) for wire in wires])

    config = Config(answer, lifespan="off", log_config=None)
    config.load()
    state = EndingState()
    for wire in wires:
        protocol = GatheringProtocol(config, state, {})
        protocol.connection_made(cast(asyncio.Transport, wire))
        protocol.data_received(b"GET / HTTP/1.1\r\nhost: here\r\n\r\n")
    await asyncio.wait_for(asyncio.gather(*state.tasks), 5)
    assert written_in_the_turn == ([[1]] if callers == 1 else [[0, 0], [0, 0]])
    await asyncio.sleep(0)
    assert [b"".join(wire.done)[-2:] for wire in wires] == [b"ok"] * callers
