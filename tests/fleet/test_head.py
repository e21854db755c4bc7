"""The head of a report."""

from __future__ import annotations

from app.fleet.head import read_head
from app.fleet.wire import pack


def test_what_is_not_a_head_is_not_read() -> None:
    assert read_head(pack({"instance": "a", "state": 3})) is None
    assert read_head(b"x") is None
