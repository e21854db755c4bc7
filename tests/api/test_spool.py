"""What clients have not read yet is kept in order, first in memory, then in a file, within a bound."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from typing import IO, Any

import pytest

from app.api.spool import MEMORY_BYTES, Spool, SpoolBudget

MakeSpool = Callable[..., Spool]
PIECE = b"x" * 1000


@pytest.fixture
def make_spool() -> Iterator[MakeSpool]:
    """Makes spools and closes them."""
    made: list[Spool] = []

    def make(budget: SpoolBudget | None = None) -> Spool:
        made.append(Spool(budget or SpoolBudget()))
        return made[-1]

    yield make
    for spool in made:
        spool.close()


async def rest(spool: Spool) -> bytes:
    """Everything that is still in it."""
    spool.end()
    pieces = []
    while data := await spool.get():
        pieces.append(data)
    return b"".join(pieces)


def numbered(number: int) -> bytes:
    return b"%0999d\n" % number


async def test_what_is_put_comes_out_in_order_across_memory_and_file(make_spool: MakeSpool) -> None:
    budget = SpoolBudget()
    spool = make_spool(budget)
    put, got = b"", b""
    for round_ in range(3):
        for number in range(1000):
            put += numbered(1000 * round_ + number)
            spool.put(numbered(1000 * round_ + number))
            if number % 3 == 0:
                got += await spool.get()
        assert budget.used_bytes == spool.file_bytes > 0
    got += await rest(spool)
    assert got == put
    assert budget.used_bytes == spool.file_bytes == 0


async def test_little_stays_in_memory(make_spool: MakeSpool) -> None:
    spool = make_spool()
    for _ in range(MEMORY_BYTES // len(PIECE)):
        spool.put(PIECE)
    assert spool.file_bytes == 0
    assert spool._file is None


async def test_it_is_full_where_memory_and_budget_are_used_up_and_has_room_again_once_read(
    make_spool: MakeSpool,
) -> None:
    budget = SpoolBudget(max_bytes=100_000)
    spool, other = make_spool(budget), make_spool(budget)
    while not spool.full:
        spool.put(PIECE)
    assert budget.used_bytes == 100_000
    waiting = asyncio.ensure_future(spool.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    while other._memory_bytes < MEMORY_BYTES:
        other.put(PIECE)
    assert other.full
    while spool.full:
        await spool.get()
    await asyncio.wait_for(waiting, 5)
    spool.close()
    assert budget.used_bytes == 0
    assert not other.full


class Broken:
    """A file on a disk that is full."""

    def __init__(self, file: IO[bytes], writes: int) -> None:
        self._file = file
        self._writes = writes

    def write(self, data: bytes) -> int:
        if self._writes == 0:
            raise OSError("no space left on device")
        self._writes -= 1
        return self._file.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@pytest.mark.parametrize("writes", [0, 2])
async def test_on_a_full_disk_nothing_is_lost_and_it_is_full(
    make_spool: MakeSpool, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    make: Callable[..., Any] = tempfile.TemporaryFile
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **options: Broken(make(**options), writes))
    spool = make_spool()
    put = b"".join(numbered(number) for number in range(MEMORY_BYTES // 1000 + 6))
    for number in range(MEMORY_BYTES // 1000 + 6):
        spool.put(numbered(number))
    assert spool.full
    assert await rest(spool) == put
    spool.close()


async def test_without_a_place_for_files_it_is_full_when_its_memory_is(
    make_spool: MakeSpool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_file(**_: Any) -> Any:
        raise FileNotFoundError("no usable temporary directory")

    monkeypatch.setattr(tempfile, "TemporaryFile", no_file)
    spool = make_spool()
    while not spool.full:
        spool.put(PIECE)
    assert spool._memory_bytes < MEMORY_BYTES + 2 * len(PIECE)


async def test_get_waits_for_more_and_ends(make_spool: MakeSpool) -> None:
    spool = make_spool()
    waiting = asyncio.ensure_future(spool.get())
    await asyncio.sleep(0)
    spool.put(b"1")
    assert await asyncio.wait_for(waiting, 5) == b"1"
    waiting = asyncio.ensure_future(spool.get())
    await asyncio.sleep(0)
    spool.end()
    assert await asyncio.wait_for(waiting, 5) == b""
    await asyncio.wait_for(spool.room(), 5)
