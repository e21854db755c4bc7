"""Commands are imported when they are run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from app.cli.commands import COMMANDS, demijohn, main

ROOT = Path(__file__).parents[2]
HEAVY = ("aiokafka", "confluent_kafka", "fastapi", "pydantic", "uvloop", "app.settings")
PROBE = f"""
import sys
from app.cli.commands import main
main(["--help"])
print("imported:", [name for name in {HEAVY!r} if name in sys.modules])
"""


def test_the_list_of_commands_imports_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", PROBE], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1:] == ["imported: []"], done


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_of_each_command_what_its_help_says_first(name: str) -> None:
    command = demijohn.get_command(click.Context(demijohn), name)
    assert command is not None
    assert command.name == name
    assert command.get_short_help_str(limit=100) == COMMANDS[name]


def test_a_command_that_is_mistyped_is_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["grups"]) == 2
    assert "groups" in capsys.readouterr().err
