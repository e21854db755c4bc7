"""Which messages are looked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

import orjson

from app.kafka.log_reader import StoredRecord

PLACES = ("key", "value", "headers")
Matches = Callable[[StoredRecord], bool]


def everything(_: StoredRecord) -> bool:
    """Takes all."""
    return True


def containing(text: str, places: Collection[str] = PLACES) -> Matches:
    """Whether a record has `text` in one of `places`; capitals of ASCII count as small letters. What JSON may write
    with escapes is found both ways. Names of headers are looked at too."""
    needles = {text.encode("utf-8").lower(), _escaped(text).lower()}

    def matches(record: StoredRecord) -> bool:
        return any(needle in part for part in map(bytes.lower, _parts(record, places)) for needle in needles)

    return matches


def _parts(record: StoredRecord, places: Collection[str]) -> Iterable[bytes]:
    if "value" in places and record.value:
        yield record.value
    if "key" in places and record.key:
        yield record.key
    if "headers" in places:
        for name, value in record.headers:
            yield name.encode("utf-8")
            if value:
                yield value


def _escaped(text: str) -> bytes:
    plain = orjson.dumps(text).decode("utf-8")[1:-1]
    return "".join(letter if letter.isascii() else _escape(letter) for letter in plain).encode("ascii")


def _escape(letter: str) -> str:
    raw = letter.encode("utf-16-be")
    return "".join(f"\\u{raw[at] << 8 | raw[at + 1]:04x}" for at in range(0, len(raw), 2))
