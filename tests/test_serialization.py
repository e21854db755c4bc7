"""JSON and text, both ways."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.messages import Message
from app.serialization import decode_json, decode_text, encode_json
from tests.fakes import FakeRecord

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(JSON_VALUES)
def test_what_is_encoded_is_read_back(value: object) -> None:
    try:
        raw = encode_json(value)
    except UnicodeEncodeError:
        return  # a lone surrogate has no UTF-8
    assert decode_json(raw) == value


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 2**64, 12345678901234567890123456789])
def test_a_large_whole_number_stays_whole(number: int) -> None:
    assert encode_json({"id": number}) == b'{"id":%d}' % number
    assert Message(FakeRecord(0, b'{"id":%d}' % number)).payload == {"id": number}


@given(st.text() | st.integers() | st.lists(st.text()))
def test_json_of_any_encoder_is_read(value: object) -> None:
    assert decode_json(json.dumps(value).encode()) == value


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), [1, {"a": (float("-inf"),)}], {"n": None, "x": float("nan")}]
)
def test_what_json_has_no_word_for_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="JSON"):
        encode_json(value)


@pytest.mark.parametrize("raw", [b"", b"NaN", b"Infinity", b"{", b"\xff", b'"\\ud800" x'])
def test_what_is_not_json_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # each decoder words it differently
        decode_json(raw)


def test_text_is_text_only_where_it_is_utf_8() -> None:
    assert decode_text("ä".encode()) == "ä"
    assert decode_text(b"\xc3") == b"\xc3"
