"""What `demijohn` understands: the tree of its commands, and what they have in common."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from app import __version__
from app.cli.lazy_group import LazyGroup
from app.errors import DemijohnError

EXIT_FAILED = 1
EXIT_USAGE = 2
COMMANDS = {
    "completion": "Print the script that completes commands and options in SHELL.",
    "config": "Show the settings that are in effect.",
    "console": "Open a Python prompt on the brokers that the settings name.",
    "consume": "Print messages of TOPIC.",
    "dlq": "List dead letters, see why they are there, and send them back.",
    "doctor": "Check whether the service can run here.",
    "groups": "List consumer groups, see their lag, and move them.",
    "keys": "Make API keys.",
    "produce": "Put messages into Kafka and wait for the verdict on each.",
    "routes": "Print the routing table, or everything that is wrong with it.",
    "server": "Run the service until SIGTERM or Ctrl-C.",
    "tail": "Print what comes to TOPIC from now on.",
    "topics": "Compare the declared topics with Kafka, and make them so.",
    "verify": "Find out whether the verdicts of the running service are true.",
}
"""The first sentence of each one's help: the list of them imports none."""


@click.group(
    cls=LazyGroup,
    described=COMMANDS,
    elsewhere={"tail": "consume"},
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="demijohn", message="%(prog)s %(version)s")
def demijohn() -> None:
    """An HTTP front door to Kafka and a home for Python consumers.

    Settings come from the environment and from .env; `demijohn config` shows what is in effect.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code: 1 where it failed, 2 where it was not understood."""
    try:
        returned = demijohn.main(
            args=None if arguments is None else list(arguments), prog_name="demijohn", standalone_mode=False
        )
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        print("Given up", file=sys.stderr)
        return EXIT_FAILED
    except DemijohnError as error:
        print(error, file=sys.stderr)
        return EXIT_FAILED
    return returned if isinstance(returned, int) else 0
