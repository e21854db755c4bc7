"""A stream of bytes as lines, of which none costs more memory than it may."""

from __future__ import annotations

from collections.abc import Iterator

BLANK = b" \t\r"


class Lines:
    """Splits at line feeds and skips blank lines. A line of more than `max_bytes` is given as None, once."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._parts: list[bytes] = []
        self._size_bytes = 0
        self._too_long = False

    def feed(self, data: bytes) -> Iterator[bytes | None]:
        """The lines that `data` completes."""
        first, *others = data.split(b"\n")
        self._add(first)
        for part in others:
            yield from self.finish()
            self._add(part)

    def _add(self, part: bytes) -> None:
        self._size_bytes += len(part)
        if self._size_bytes > self._max_bytes:
            self._too_long = True
            self._parts.clear()
        elif part:
            self._parts.append(part)

    def finish(self) -> Iterator[bytes | None]:
        """The line that has begun, if there is one: nothing follows it."""
        line = b"".join(self._parts).strip(BLANK)
        if self._too_long:
            yield None
        elif line:
            yield line
        self._parts.clear()
        self._size_bytes, self._too_long = 0, False
