"""`demijohn routes`: prints the routing table, or everything that is wrong with it."""

from __future__ import annotations

import click

from app.cli.output import json_option, show_json
from app.dashboard.routing_page import line_document
from app.routes.loading import load_table
from app.routes.table import RoutingTable, Subscription
from app.settings import load_settings


@click.command()
@json_option
def routes(as_json: bool) -> int:
    """Print the routing table, or everything that is wrong with it."""
    table = load_table(load_settings())
    if as_json:
        show_json([{"group": line.group, **line_document(line)} for line in table.subscriptions])
    else:
        for line in describe(table):
            click.echo(line)
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
