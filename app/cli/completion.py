"""`demijohn completion`: the script that lets a shell complete what `demijohn` understands."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

SHELLS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
INSTALL = {
    "bash": 'In ~/.bashrc: eval "$(demijohn completion bash)"',
    "zsh": 'In ~/.zshrc, after compinit: eval "$(demijohn completion zsh)"',
    "fish": "Once: demijohn completion fish > ~/.config/fish/completions/demijohn.fish",
}
VARIABLE = "_DEMIJOHN_COMPLETE"
"""What click looks for where the command is named `demijohn`."""


@click.command()
@click.argument("shell", type=click.Choice(list(SHELLS)))
@click.pass_context
def completion(context: click.Context, shell: str) -> int:
    """Print the script that completes commands and options in SHELL.

    Its last line says where it belongs.
    """
    script = SHELLS[shell](context.find_root().command, {}, "demijohn", VARIABLE).source()
    click.echo(f"{script.rstrip()}\n\n# {INSTALL[shell]}")
    return 0
