"""Cursors come back as they went out; anything else is refused."""

from __future__ import annotations

import base64
import re
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.exploring.cursors import Cursor, read_cursor

PLACES = st.dictionaries(st.integers(0, 10_000), st.integers(0, 2**63 - 1))


@given(PLACES, st.sampled_from(["newest", "oldest"]))
def test_a_cursor_comes_back_as_it_went_out(places: dict[int, int], order: str) -> None:
    cursor = Cursor("orders", "newest" if order == "newest" else "oldest", places)
    assert read_cursor(cursor.text(), "orders") == cursor
    assert re.fullmatch(r"[A-Za-z0-9_-]+", cursor.text())


def test_a_thousand_partitions_fit_into_an_address() -> None:
    cursor = Cursor("orders", "newest", {partition: 10**9 + partition * 7919 for partition in range(1000)})
    assert len(cursor.text()) < 16_000


def packed(raw: bytes) -> str:
    return base64.urlsafe_b64encode(zlib.compress(raw)).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "!",
        "ą",
        "abc",
        packed(b"[1]"),
        packed(b"{}"),
        packed(b'[2,"orders","newest",0,1]'),
        packed(b'[1,"other","newest",0,1]'),
        packed(b'[1,"orders","sideways",0,1]'),
        packed(b'[1,"orders","newest",0]'),
        packed(b'[1,"orders","newest",0,-1]'),
        packed(b'[1,"orders","newest",0,true]'),
        packed(b'[1,"orders","newest",0,"1"]'),
        packed(b" " * 10**7),
    ],
)
def test_what_is_none_of_ours_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"damaged|none of this topic"):
        read_cursor(text, "orders")
