"""Shells complete what `demijohn` understands."""

from __future__ import annotations

import pytest

from app.cli.commands import demijohn, main


def test_commands_and_options_are_completed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_DEMIJOHN_COMPLETE", "bash_complete")
    for words, found in (("demijohn gro", "plain,groups"), ("demijohn groups se", "plain,seek")):
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(words.count(" ")))
        with pytest.raises(SystemExit):
            main([])
        assert capsys.readouterr().out.splitlines() == [found]


def test_every_command_has_a_help_text() -> None:
    assert all(command.help or command.short_help for command in demijohn.commands.values())
