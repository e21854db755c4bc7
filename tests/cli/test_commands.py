"""What `demijohn` understands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app import __version__
from app.cli.commands import main

ROOT = Path(__file__).parents[2]


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"demijohn {__version__}\n"


@pytest.mark.parametrize("arguments", [["serve"], ["server", "--loud"], ["server", "--no-http", "--no-consumers"]])
def test_what_it_does_not_understand_is_refused_with_its_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Usage: demijohn" in printed.err


def test_what_is_wrong_with_the_table_goes_to_stderr_and_the_exit_code_is_1() -> None:
    environment = {**os.environ, "ROUTES": "nobody.wrote_this:draw"}
    command = [sys.executable, "-m", "app", "routes"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "ROUTES: there is no module 'nobody.wrote_this'" in done.stderr
    assert "Traceback" not in done.stderr
