"""The command line: `demijohn` or `python -m app`."""

from app.cli.commands import main

__all__ = ["main"]
