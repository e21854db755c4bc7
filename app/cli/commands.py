"""What `demijohn` understands: the tree of its commands, and what they have in common."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from app import __version__
from app.cli.config import config
from app.cli.console import console
from app.cli.consume import consume, tail
from app.cli.dlq import dlq
from app.cli.doctor import doctor
from app.cli.groups import groups
from app.cli.keys import keys
from app.cli.produce import produce
from app.cli.routes import routes
from app.cli.server import server
from app.cli.topics import topics
from app.cli.verify import verify
from app.errors import DemijohnError

EXIT_FAILED = 1
EXIT_USAGE = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="demijohn", message="%(prog)s %(version)s")
def demijohn() -> None:
    """An HTTP front door to Kafka and a home for Python consumers.

    Settings come from the environment and from .env; `demijohn config` shows what is in effect.
    """


for command in (server, console, produce, consume, tail, dlq, topics, groups, doctor, verify, routes, config, keys):
    demijohn.add_command(command)


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
