"""How things of the fleet look on its topics: compressed JSON, with headers that tell what must be known unread."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Self

import msgspec
import orjson

from app.kafka.topic_writer import Written
from app.messages import Record
from app.serialization import decode_json

SCHEMA_VERSION = 1
MOST_BYTES = 16 * 1024 * 1024
"""So much is decompressed of a value; ours are far smaller, but others might write to the topics."""
GZIP = 16 + zlib.MAX_WBITS
Kind = Literal["report", "partitions", "metrics", "error", "command", "answer"]


def pack(document: Mapping[str, Any]) -> bytes:
    """`document` with the schema's version, as compressed JSON."""
    text = orjson.dumps({"schema_version": SCHEMA_VERSION, **document})
    return gzip.compress(text, compresslevel=1, mtime=0)


def unpack(value: bytes | None) -> dict[str, Any] | None:
    """The document of a value; None where it cannot be read: of another version, or not ours."""
    try:
        text = zlib.decompressobj(GZIP).decompress(value or b"", MOST_BYTES)
        document = decode_json(text)
    except (zlib.error, ValueError, msgspec.MsgspecError):
        return None
    if not isinstance(document, dict) or document.get("schema_version") != SCHEMA_VERSION:
        return None
    return document


class Place(NamedTuple):
    """How far the reports were folded: the offset of one, in an era that ends where their topic is made anew."""

    era: int
    offset: int

    def __str__(self) -> str:
        return f"{self.era}:{self.offset}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        era, _, offset = text.partition(":")
        return cls(int(era), int(offset)) if era.isdecimal() and offset.isdecimal() else None


class Heading(NamedTuple):
    """What a record's headers and key say. `at_ms` is when a folded report was written, else when the record was."""

    kind: str
    key: str
    at_ms: int
    place: Place | None


def written(kind: Kind, key: str, value: bytes | None, *, place: Place | None = None, at_ms: int = 0) -> Written:
    """A record of the fleet's topics."""
    headers = [("kind", kind.encode()), ("content-encoding", b"gzip")]
    if place is not None:
        headers += [("place", str(place).encode()), ("at_ms", str(at_ms).encode())]
    return Written(key, value, headers)


def heading(record: Record) -> Heading:
    """Of any record, also of one that is not ours: its `kind` is empty then."""
    headers = {name: (value or b"").decode("utf-8", "replace") for name, value in record.headers}
    at_ms = headers.get("at_ms", "")
    return Heading(
        headers.get("kind", ""),
        (record.key or b"").decode("utf-8", "replace"),
        int(at_ms) if at_ms.isdecimal() else record.timestamp,
        Place.parse(headers.get("place", "")),
    )
