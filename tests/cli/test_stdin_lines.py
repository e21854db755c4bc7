"""Lines, however they come in."""

from __future__ import annotations

from io import BytesIO

import pytest

from app.cli.stdin_lines import BLOCK_BYTES, LineTooLong, lines_of_stdin


class InPieces(BytesIO):
    """Gives a few bytes at a time, as a slow pipe does."""

    def read1(self, size: int | None = -1) -> bytes:
        return super().read(3)


async def test_lines_are_numbered_whole_and_empty_ones_passed_over() -> None:
    source = InPieces(b"first\r\n\nthird is longer\n" + "ä".encode() + b"\nlast")
    assert [line async for line in lines_of_stdin(100, source)] == [
        (1, b"first"),
        (3, b"third is longer"),
        (4, "ä".encode()),
        (5, b"last"),
    ]


async def test_a_line_without_an_end_is_refused_before_it_fills_the_memory() -> None:
    source = BytesIO(b"ok\n" + b"x" * (3 * BLOCK_BYTES))
    lines = lines_of_stdin(BLOCK_BYTES, source)
    assert await anext(lines) == (1, b"ok")
    with pytest.raises(LineTooLong, match="Line 2 is longer than 65536 bytes"):
        await anext(lines)
    assert source.tell() <= 3 * BLOCK_BYTES
