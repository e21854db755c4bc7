"""Bytes to lines."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.api.lines import Lines


def split(data: bytes, size: int, max_bytes: int = 1000) -> list[bytes | None]:
    lines = Lines(max_bytes)
    found = [line for at in range(0, len(data), size) for line in lines.feed(data[at : at + size])]
    return [*found, *lines.finish()]


@given(st.lists(st.binary(min_size=1, max_size=20).filter(lambda line: b"\n" not in line)), st.integers(1, 9))
def test_lines_are_found_whatever_the_chunks(lines: list[bytes], size: int) -> None:
    expected = [line.strip(b" \t\r") for line in lines]
    assert split(b"\n".join(lines), size) == [line for line in expected if line]


def test_blank_lines_are_skipped_and_a_last_line_needs_no_end() -> None:
    assert split(b"\n \t\r\n1\r\n\n2", 3) == [b"1", b"2"]


def test_a_line_that_is_too_long_is_given_once_and_its_bytes_are_not_kept() -> None:
    lines = Lines(max_bytes=10)
    assert list(lines.feed(b"x" * 11)) == []
    assert list(lines.feed(b"x" * 1_000_000)) == []
    assert lines._parts == []
    assert list(lines.feed(b"\n12345\n")) == [None, b"12345"]
    assert split(b"x" * 11, 3, max_bytes=10) == [None]
    assert split(b"x" * 10, 3, max_bytes=10) == [b"x" * 10]
