"""`demijohn config`: the settings that are in effect, secrets masked."""

from __future__ import annotations

import click

from app.cli.output import json_option, show_rows
from app.dashboard.routing_page import setting_rows
from app.settings import load_settings


@click.command()
@click.option("--changed", is_flag=True, help="Only what differs from its default.")
@json_option
def config(changed: bool, as_json: bool) -> int:
    """Show the settings that are in effect. Secrets are masked."""
    rows = [row for row in setting_rows(load_settings()) if row["changed"] or not changed]
    columns = ("name", "value", "default") if changed else ("name", "value", "changed", "help")
    show_rows(columns, rows, as_json=as_json, empty="Every setting has its default.")
    return 0
