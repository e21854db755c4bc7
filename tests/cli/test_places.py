"""Places in a log as people write them."""

from __future__ import annotations

import click
import pytest

from app.cli.places import offset_or_time


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0", (0, None)),
        ("12", (12, None)),
        ("1970-01-01T00:00:02Z", (None, 2000)),
        ("1970-01-01T01:00:00+01:00", (None, 0)),
    ],
)
def test_offsets_and_times(text: str, found: tuple[int | None, int | None]) -> None:
    assert offset_or_time(text) == found


@pytest.mark.parametrize("text", ["", "-1", "1.5", "yesterday", "2026-01-05T10:00:00", "٣"])
def test_what_is_neither_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is no offset"):
        offset_or_time(text)
