"""Places between pages of messages, as texts that go out and come back."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson

Order = Literal["newest", "oldest"]
"""What a page begins with."""
VERSION = 1
MOST_BYTES = 256 * 1024
MOST_OFFSET = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Cursor:
    """`places`: of each partition the offset that the next page of newer messages begins with, and the one of older
    messages ends before. `order` is that of the pages."""

    topic: str
    order: Order
    places: Mapping[int, int]

    def text(self) -> str:
        """Made of letters that need no escape in a URL."""
        pairs = [part for pair in sorted(self.places.items()) for part in pair]
        raw = orjson.dumps([VERSION, self.topic, self.order, *pairs])
        return base64.urlsafe_b64encode(zlib.compress(raw, 9)).rstrip(b"=").decode("ascii")


def read_cursor(text: str, topic: str) -> Cursor:
    """The cursor that a text stands for. Raises ValueError where it is damaged, or belongs to another topic."""
    found = _decoded(text)
    if not isinstance(found, list) or found[:1] != [VERSION] or len(found) < 3 or found[1] != topic:
        raise ValueError("is none of this topic")
    order, numbers = found[2], found[3:]
    if order not in ("newest", "oldest") or len(numbers) % 2 or not all(map(_is_offset, numbers)):
        raise ValueError("is damaged")
    return Cursor(topic, order, dict(zip(numbers[::2], numbers[1::2], strict=True)))


def _is_offset(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_OFFSET


def _decoded(text: str) -> Any:
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        unpacking = zlib.decompressobj()
        plain = unpacking.decompress(raw, MOST_BYTES)
        if unpacking.unconsumed_tail:
            raise ValueError("is too long")
        return orjson.loads(plain)
    except (binascii.Error, zlib.error, ValueError, UnicodeEncodeError):
        raise ValueError("is damaged: take it from a page as it is") from None
