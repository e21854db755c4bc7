"""Asking before something is changed."""

from __future__ import annotations

import sys

import click

yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
"""The option of every command that changes what others see."""


def agreed(question: str, yes: bool) -> bool:
    """True; asked on standard error, so that results stay clean. Raises Abort where the answer is no, UsageError where
    nobody can be asked."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise click.UsageError("Nobody can be asked here: say --yes")
    return click.confirm(question, abort=True, err=True)
