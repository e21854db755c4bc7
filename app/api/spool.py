"""What a client has not read yet: the first of it in memory, the rest in a temporary file, all of it bounded."""

from __future__ import annotations

import asyncio
import tempfile
from collections import deque
from typing import IO

MEMORY_BYTES = 256 * 1024
PIECE_BYTES = 64 * 1024
MAX_FILE_BYTES = 512 * 1024 * 1024
"""Most that the files of all spools take together: the results of about four million lines."""


class SpoolBudget:
    """Counts what the files of all spools take."""

    def __init__(self, max_bytes: int = MAX_FILE_BYTES) -> None:
        self._max = max_bytes
        self.used_bytes = 0

    @property
    def exhausted(self) -> bool:
        return self.used_bytes >= self._max


class Spool:
    """First in, first out. `put` never waits; whoever can bring less asks `full` first, or waits for `room`.

    The file is used from when the memory is full until all of it has been read; it is written and read in place,
    as that only reaches the page cache. Where no file can be made or written, the memory is all there is.
    """

    def __init__(self, budget: SpoolBudget) -> None:
        self._budget = budget
        self._before_file: deque[bytes] = deque()
        self._after_file: deque[bytes] = deque()
        self._memory_bytes = 0
        self._file: IO[bytes] | None = None
        self._written = 0
        self._read = 0
        self._without_file = False
        self._ended = False
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether no more should be put."""
        return self._memory_bytes >= MEMORY_BYTES and (self._without_file or self._budget.exhausted)

    @property
    def file_bytes(self) -> int:
        """Size of the file."""
        return self._written

    def put(self, data: bytes) -> None:
        """Adds bytes to the end."""
        if not self._written and self._memory_bytes < MEMORY_BYTES:
            self._keep(self._before_file, data)
        elif self._after_file or not self._write(data):
            self._keep(self._after_file if self._written else self._before_file, data)
        self._filled.set()

    def _keep(self, pieces: deque[bytes], data: bytes) -> None:
        pieces.append(data)
        self._memory_bytes += len(data)

    def _write(self, data: bytes) -> bool:
        if self._without_file or self._budget.exhausted:
            return False
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="demijohn-", buffering=0)  # noqa: SIM115  # see close
            self._file.seek(self._written)
            written = self._file.write(data)
        except OSError:
            written = 0
        if written != len(data):
            self._without_file = True
            return False
        self._written += written
        self._budget.used_bytes += written
        return True

    def end(self) -> None:
        """Nothing will be put any more."""
        self._ended = True
        self._filled.set()
        self._emptied.set()

    async def get(self) -> bytes:
        """The next bytes, once there are some; empty at the end."""
        while not (data := self._take()):
            if self._ended:
                return b""
            self._filled.clear()
            await self._filled.wait()
        self._emptied.set()
        return data

    def _take(self) -> bytes:
        if self._before_file:
            data = self._before_file.popleft()
            self._memory_bytes -= len(data)
            return data
        return self._read_file(self._file) if self._file is not None and self._written else b""

    def _read_file(self, file: IO[bytes]) -> bytes:
        file.seek(self._read)
        data = file.read(min(PIECE_BYTES, self._written - self._read))
        self._read += len(data)
        if self._read == self._written:
            file.truncate(0)
            self._forget_file()
            self._before_file, self._after_file = self._after_file, self._before_file
        return data

    def _forget_file(self) -> None:
        self._budget.used_bytes -= self._written
        self._written = self._read = 0

    async def room(self) -> None:
        """Returns when it is not full any more, or ended."""
        while self.full and not self._ended:
            self._emptied.clear()
            await self._emptied.wait()

    def close(self) -> None:
        """Forgets everything."""
        self._forget_file()
        self.end()
        if self._file is not None:
            self._file.close()
            self._file = None
