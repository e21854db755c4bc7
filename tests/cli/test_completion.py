"""Shells complete what `demijohn` understands."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.commands import main
from app.cli.completion import SHELLS

ROOT = Path(__file__).parents[2]
ASK = """
eval "$(demijohn completion bash)"
COMP_WORDS=(demijohn groups se) COMP_CWORD=2
_demijohn_completion demijohn
echo "${COMPREPLY[@]}"
"""


def test_commands_and_options_are_completed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_DEMIJOHN_COMPLETE", "bash_complete")
    for words, found in (
        ("demijohn gro", "plain,groups"),
        ("demijohn groups se", "plain,seek"),
        ("demijohn --v", "plain,--version"),
        ("demijohn tail --g", "plain,--grep"),
    ):
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(words.count(" ")))
        with pytest.raises(SystemExit):
            main([])
        assert capsys.readouterr().out.splitlines() == [found]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_each_shell_says_where_it_belongs(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    *script, last = capsys.readouterr().out.splitlines()
    assert f"_DEMIJOHN_COMPLETE={shell}_complete" in "\n".join(script)
    assert last.startswith("# ")
    assert f"demijohn completion {shell}" in last


def test_a_shell_that_is_not_known_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "tcsh"]) == 2
    assert "'tcsh' is not one of" in capsys.readouterr().err


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_with_the_script_that_is_printed(tmp_path: Path) -> None:
    command = tmp_path / "demijohn"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m app "$@"\n')
    command.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    environment = {"PATH": path, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        ["bash", "--norc", "-c", ASK], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("seek\n", "")
