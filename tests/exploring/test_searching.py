"""A search finds a text wherever it may stand in a record."""

from __future__ import annotations

import json

import pytest

from app.exploring.searching import containing
from app.kafka.log_reader import StoredRecord


def record(key: bytes | None = None, value: bytes | None = None, **headers: bytes | None) -> StoredRecord:
    return StoredRecord(0, 0, 0, False, key, value, tuple(headers.items()))


@pytest.mark.parametrize(
    "found", [record(b"a-NEEDLE"), record(None, b'{"x":"needle"}'), record(h=b"Needle"), record(needle=None)]
)
def test_key_value_and_headers_are_searched(found: StoredRecord) -> None:
    assert containing("Needle")(found)


def test_only_the_chosen_places_are_searched() -> None:
    assert not containing("needle", ["value"])(record(b"needle", b"hay", h=b"needle"))
    assert containing("needle", ["key"])(record(b"needle"))


@pytest.mark.parametrize("text", ["zażółć", "👋", 'say "hi"', "tab\there"])
def test_what_json_escapes_is_found_both_ways(text: str) -> None:
    escaped = json.dumps({"x": text}).encode()
    plain = json.dumps({"x": text}, ensure_ascii=False).encode()
    assert containing(text)(record(value=escaped))
    assert containing(text)(record(value=text.encode()))
    assert containing(text)(record(value=plain)) or '"' in text or "\t" in text


def test_a_record_without_anything_matches_nothing() -> None:
    assert not containing("x")(record())
