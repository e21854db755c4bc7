"""Contents are shown as they are: laid out, never rounded, never longer than asked for."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.exploring.contents import content_of, masked

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def test_json_is_laid_out_with_its_digits_as_they_were_written() -> None:
    shown = content_of(b'{"price":1.10,"id":12345678901234567890123,"big":1e400,"none":[],"more":{"a":[1,2]}}', 1000)
    assert shown.form == "json"
    assert shown.text == (
        '{\n  "price": 1.10,\n  "id": 12345678901234567890123,\n  "big": 1e400,\n  "none": [],\n'
        '  "more": {\n    "a": [\n      1,\n      2\n    ]\n  }\n}'
    )
    assert not shown.truncated


@given(VALUES)
def test_what_is_laid_out_means_the_same(value: object) -> None:
    raw = json.dumps(value).encode()
    shown = content_of(raw, 10**6)
    assert shown.form == "json"
    assert json.loads(shown.text or "") == value
    assert shown.size == len(raw)


@pytest.mark.parametrize(
    ("raw", "form", "text"),
    [
        (None, "null", None),
        (b"", "text", ""),
        (b"plain", "text", "plain"),
        ("zażółć\n".encode(), "text", "zażółć\n"),
        (b"{broken", "text", "{broken"),
        (b'{"a":1} {"b":2}', "text", '{"a":1} {"b":2}'),
        (b"NaN", "text", "NaN"),
        (b"42", "json", "42"),
        (b"\xff\x00\x01", "hex", "ff 00 01"),
        (b"\x00\x00\x00\x00\x07", "hex", "00 00 00 00 07"),
    ],
)
def test_every_form(raw: bytes | None, form: str, text: str | None) -> None:
    shown = content_of(raw, 1000)
    assert (shown.form, shown.text, shown.truncated) == (form, text, False)


@pytest.mark.parametrize("raw", [b"x" * 5000, b"[" + b"1," * 3000 + b"1]", b"\xff" * 5000, b"[" * 3000 + b"]" * 3000])
def test_what_is_longer_is_cut_and_says_so(raw: bytes) -> None:
    shown = content_of(raw, 2048)
    assert shown.truncated
    assert len(shown.text or "") <= 2048
    assert shown.size == len(raw)


def test_what_is_masked_tells_its_size_only() -> None:
    assert masked(b"secret").document() == {"form": "masked", "text": None, "bytes": 6, "truncated": False}
    assert masked(None).document()["bytes"] == 0
