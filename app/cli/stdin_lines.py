"""Lines of standard input, read in a thread so that the loop goes on, one block ahead at most."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from typing import BinaryIO

from app.errors import DemijohnError

BLOCK_BYTES = 64 * 1024


class LineTooLong(DemijohnError):
    """A line is longer than a message can be."""


async def lines_of_stdin(most_bytes: int, stream: BinaryIO | None = None) -> AsyncGenerator[tuple[int, bytes], None]:
    """(number from 1, line without its end) for each; empty lines are passed over. Raises LineTooLong."""
    source = stream or sys.stdin.buffer
    number, rest = 0, b""
    while block := await asyncio.to_thread(_read, source):
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            number += 1
            if stripped := line.removesuffix(b"\r"):
                yield number, stripped
        if len(rest) > most_bytes:
            raise LineTooLong(f"Line {number + 1} is longer than {most_bytes} bytes")
    if rest:
        yield number + 1, rest


def _read(source: BinaryIO) -> bytes:
    """What is there, at most a block; empty at the end."""
    read: bytes = source.read1(BLOCK_BYTES) if hasattr(source, "read1") else source.read(BLOCK_BYTES)
    return read
