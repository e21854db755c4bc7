"""Content codings undone piece by piece, so that a small body that inflates to a large one costs no memory."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator, Sequence
from typing import Protocol

from app.api.problems import Refusal

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PIECE_BYTES = 64 * 1024
"""Most that one step of inflating gives."""
MAX_CODINGS = 4
"""Longest row of codings that is undone; nobody has a use for two, and each costs time."""
ZSTD_WINDOW_LOG_MAX = 23
"""8 MiB, the largest window that RFC 9659 lets a sender of this coding use."""
GZIP = 16 + zlib.MAX_WBITS
ACCEPTED = (b"accept-encoding", b"gzip, deflate, zstd")


class Coding(Protocol):
    """Undoes one coding of one body."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What `data` adds to the body, in pieces of at most PIECE_BYTES. Raises Refusal `corrupt_encoding`."""

    def finish(self) -> None:
        """Nothing follows. Raises Refusal `corrupt_encoding` where something is missing."""


class ZlibCoding:
    """gzip (of any number of members, RFC 1952) and deflate (the zlib format, RFC 1950)."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._window = GZIP if name == "gzip" else zlib.MAX_WBITS
        self._stream = zlib.decompressobj(self._window)

    def feed(self, data: bytes) -> Iterator[bytes]:
        piece = b""
        while data or len(piece) == PIECE_BYTES:
            self._begin_member(data)
            try:
                piece = self._stream.decompress(data, PIECE_BYTES)
            except zlib.error as error:
                raise corrupt(self._name, str(error)) from None
            data = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
            if piece:
                yield piece

    def _begin_member(self, data: bytes) -> None:
        if self._stream.eof and data:
            if self._name != "gzip":
                raise corrupt(self._name, "something follows its end")
            self._stream = zlib.decompressobj(self._window)

    def finish(self) -> None:
        if not self._stream.eof:
            raise corrupt(self._name, "it ends too early")


class ZstdCoding:
    """Zstandard frames, any number of them (RFC 8878)."""

    def __init__(self) -> None:
        self._frame = _new_frame()
        self._unfinished = True

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data or not (self._frame.eof or self._frame.needs_input):
            if self._frame.eof:
                self._frame = _new_frame()
            try:
                piece = self._frame.decompress(data, PIECE_BYTES)
            except zstd.ZstdError as error:
                raise corrupt("zstd", str(error)) from None
            self._unfinished = not self._frame.eof
            data = self._frame.unused_data if self._frame.eof else b""
            if piece:
                yield piece

    def finish(self) -> None:
        if self._unfinished:
            raise corrupt("zstd", "it ends too early")


def _new_frame() -> zstd.ZstdDecompressor:
    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW_LOG_MAX})


class Inflater:
    """Undoes a row of codings, the last one applied first (RFC 9110, 8.4)."""

    def __init__(self, codings: Sequence[Coding]) -> None:
        self._codings = list(reversed(codings))

    def feed(self, data: bytes, stage: int = 0) -> Iterator[bytes]:
        """What `data` adds to the body, in small pieces. Raises Refusal `corrupt_encoding`."""
        if stage == len(self._codings):
            yield data
            return
        for piece in self._codings[stage].feed(data):
            yield from self.feed(piece, stage + 1)

    def finish(self) -> None:
        """The body is complete. Raises Refusal `corrupt_encoding` where it is not."""
        for coding in self._codings:
            coding.finish()


def inflater(content_encoding: bytes) -> Inflater | None:
    """What undoes these codings; None for none. Raises Refusal `unsupported_encoding`."""
    names = [name.strip().lower() for name in content_encoding.decode("latin-1").split(",")]
    named = [name for name in names if name not in ("", "identity")]
    if len(named) > MAX_CODINGS:
        raise unsupported(f"At most {MAX_CODINGS} content codings in a row are undone, not {len(named)}")
    return Inflater([_coding(name) for name in named]) if named else None


def _coding(name: str) -> Coding:
    if name in ("gzip", "x-gzip"):
        return ZlibCoding("gzip")
    if name == "deflate":
        return ZlibCoding("deflate")
    if name == "zstd":
        return ZstdCoding()
    raise unsupported(f"Content-Encoding may be gzip, deflate, zstd or several of them, not {name[:100]!r}")


def unsupported(detail: str) -> Refusal:
    return Refusal("unsupported_encoding", detail, headers=[ACCEPTED])


def corrupt(name: str, reason: str) -> Refusal:
    return Refusal("corrupt_encoding", f"The body is not {name}: {reason}")
