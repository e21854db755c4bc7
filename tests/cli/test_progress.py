"""The line that long work draws."""

from __future__ import annotations

import sys

import pytest

from app.cli.progress import Progress, line_of


def test_a_bar_where_the_total_is_known_and_a_count_where_not() -> None:
    assert line_of(1500, 3000, "sent", "2 failed") == f"[{'#' * 15}{'-' * 15}] 1,500 of 3,000 sent, 2 failed"
    assert line_of(4000, 3000, "sent").startswith(f"[{'#' * 30}]")
    assert line_of(1500, None, "stored") == "1,500 stored"


def test_it_is_drawn_on_a_terminal_and_wiped_at_the_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with Progress("sent") as progress:
        progress.show(1)
        progress.show(2)
    assert capsys.readouterr().err == "\r1 sent\r      \r"


def test_elsewhere_nothing_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("sent", 3) as progress:
        progress.show(1)
    assert capsys.readouterr().err == ""
