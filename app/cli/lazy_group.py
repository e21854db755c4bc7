"""A group whose commands are imported when they are run: help, completion and mistakes need their names only."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem


class LazyGroup(click.Group):
    """`described` says of each command what lists say of it. The command `name` is the attribute `name` of the module
    app.cli.`name`, or of another one that `elsewhere` names; `commands` has their names only."""

    def __init__(
        self, name: str | None = None, *, described: Mapping[str, str], elsewhere: Mapping[str, str], **options: Any
    ) -> None:
        known = {name: click.Command(name, help=text) for name, text in described.items()}
        super().__init__(name, known, **options)
        self._described = described
        self._elsewhere = elsewhere

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command itself, imported."""
        if cmd_name not in self.commands:
            return None
        module = import_module(f"app.cli.{self._elsewhere.get(cmd_name, cmd_name)}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of the commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._described[name]) for name in self.list_commands(ctx)])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands that begin so, and this group's own options."""
        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        found = [CompletionItem(name, help=self._described[name]) for name in names]
        return found + click.Command.shell_complete(self, ctx, incomplete)
