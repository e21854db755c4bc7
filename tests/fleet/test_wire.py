"""How things look on the fleet's topics."""

from __future__ import annotations

import gzip
import json

from app.fleet.wire import MOST_BYTES, Place, heading, pack, unpack, written
from tests.fleet.logs import Log


def test_values_are_compressed_json_that_says_its_version() -> None:
    value = pack({"a": 1})
    assert json.loads(gzip.decompress(value)) == {"schema_version": 1, "a": 1}
    assert unpack(value) == {"schema_version": 1, "a": 1}


def test_what_cannot_be_read_is_none() -> None:
    newer = gzip.compress(b'{"schema_version": 2}')
    bomb = gzip.compress(b'{"schema_version": 1, "a": "' + b"x" * MOST_BYTES + b'"}')
    for value in (None, b"", b"text", pack({})[:-12], gzip.compress(b"[1]"), newer, bomb):
        assert unpack(value) is None


def test_headers_tell_what_must_be_known_unread() -> None:
    log = Log()
    log.write([written("report", "a:1", b"", place=Place(2, 7), at_ms=5), written("partitions", "a:1/0", None)])
    assert heading(log.records[0]) == ("report", "a:1", 5, Place(2, 7))
    assert heading(log.records[1]) == ("partitions", "a:1/0", log.now_ms, None)


def test_a_place_is_ordered_by_era_first() -> None:
    assert Place(1, 0) > Place(0, 99)
    assert Place.parse("3:12") == Place(3, 12)
    assert Place.parse("x:1") is None
