"""Before something is changed it is asked, on standard error; no is an end, and nobody there is one too."""

from __future__ import annotations

import io
import sys

import click
import pytest

from app.cli.asking import agreed


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def answered(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(text))


def test_yes_goes_on_and_nothing_is_printed_among_the_results(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answered(monkeypatch, "y\n")
    assert agreed("Delete?", yes=False)
    printed = capsys.readouterr()
    assert (printed.out, "Delete?" in printed.err) == ("", True)


def test_no_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    answered(monkeypatch, "n\n")
    with pytest.raises(click.Abort):
        agreed("Delete?", yes=False)


def test_where_nobody_is_there_it_has_to_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with pytest.raises(click.UsageError, match="say --yes"):
        agreed("Delete?", yes=False)
    assert agreed("Delete?", yes=True)
