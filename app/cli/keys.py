"""`demijohn keys new`: makes an API key."""

from __future__ import annotations

import click

from app.api.keys import ROLES, KeysInvalid, new_key
from app.cli.output import json_option, show_json
from app.errors import ConfigurationError, Fault


class KeyRefused(ConfigurationError):
    """An API key cannot be made as it was asked for."""

    title = "The API key is not valid"


@click.group()
def keys() -> None:
    """Make API keys."""


@keys.command()
@click.argument("name")
@click.option("--roles", default="produce", show_default=True, help=f"Of {', '.join(ROLES)}; comma-separated.")
@click.option("--topics", default="*", show_default=True, help='What it may produce to, such as "orders,user_*".')
@click.option("--rate", help="Most messages, such as 1000/s, 500/min or 20/h; by default no limit.")
@json_option
def new(name: str, roles: str, topics: str, rate: str | None, as_json: bool) -> int:
    """Print the block of a new key for HTTP_API_KEYS_FILE, and once its secret.

    NAME says who will use it: A-Z a-z 0-9 _ -
    """
    try:
        block, secret = new_key(name, _listed(roles), _listed(topics), rate)
    except KeysInvalid as error:
        place = f"keys.{name}"
        faults = [Fault(fault.path.removeprefix(place).lstrip(".") or "NAME", fault.message) for fault in error.faults]
        raise KeyRefused(faults) from None
    if as_json:
        show_json({"name": name, "block": block, "secret": secret})
        return 0
    click.echo(f"{block}\n# The secret, shown only now; it does not belong into the file:\n# {secret}")
    return 0


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
