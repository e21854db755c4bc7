"""What `demijohn` understands."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from app import __version__
from app.cli.keys import add_keys_parser, print_new_key
from app.cli.server import run_server
from app.errors import DemijohnError
from app.routes.loading import load_table
from app.routes.table import RoutingTable, Subscription
from app.settings import load_settings

EXIT_CONFIGURATION = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code."""
    parsed = _parser().parse_args(arguments)
    try:
        if parsed.command == "routes":
            return print_routes()
        if parsed.command == "keys":
            return print_new_key(parsed)
        return run_server(consumers=not parsed.no_consumers)
    except DemijohnError as error:
        print(error, file=sys.stderr)
        return EXIT_CONFIGURATION


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="demijohn", description="An HTTP front door to Kafka with consumers")
    parser.add_argument("--version", action="version", version=f"demijohn {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    server = commands.add_parser("server", help="run the service")
    server.add_argument("--no-consumers", action="store_true", help="only the HTTP side")
    commands.add_parser("routes", help="print the routing table")
    add_keys_parser(commands)
    return parser


def print_routes() -> int:
    """Prints the table, one line for each subscription. Raises ConfigurationError."""
    for line in describe(load_table(load_settings())):
        print(line)
    return 0


def describe(table: RoutingTable) -> list[str]:
    """The table as text."""
    return [_describe(line) for line in table.subscriptions] or ["The table is empty."]


def _describe(line: Subscription) -> str:
    facts = [f"batches of up to {line.max_messages}", f"from {line.initial_offset}"]
    if line.manual_offsets:
        facts.append("manual offsets")
    if line.keyed is not None:
        facts.append(f"{line.keyed.workers} lanes by key")
    if line.dead_letter is not None:
        target = line.dead_letter.topic or "nowhere (skipped)"
        facts.append(f"after {line.dead_letter.max_retries} retries to {target}")
    if not line.active:
        facts.append("inactive")
    return f"{line.group}: {line.source} -> {line.consumer.__name__} ({', '.join(facts)})"
