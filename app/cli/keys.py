"""`demijohn keys new`: makes an API key."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from app.api.keys import ROLES, KeysInvalid, new_key
from app.errors import ConfigurationError, Fault


class KeyRefused(ConfigurationError):
    """An API key cannot be made as it was asked for."""

    title = "The API key is not valid"


def add_keys_parser(commands: Any) -> None:
    """Adds `keys new` to the commands of the command line."""
    keys = commands.add_parser("keys", help="make API keys")
    new = keys.add_subparsers(dest="action", required=True, metavar="ACTION").add_parser(
        "new", help="print the block of a new key for HTTP_API_KEYS_FILE, and once its secret"
    )
    new.add_argument("name", metavar="NAME", help="who will use it: A-Z a-z 0-9 _ -")
    new.add_argument("--roles", default="produce", type=_listed, help=f"of {', '.join(ROLES)}; by default produce")
    new.add_argument("--topics", default="*", type=_listed, help='what it may produce to, e.g. "orders,user_*"')
    new.add_argument("--rate", help="most messages, e.g. 1000/s, 500/min or 20/h; by default no limit")


def _listed(text: str) -> Sequence[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def print_new_key(arguments: argparse.Namespace) -> int:
    """Prints a new key: the block to append, then the secret. Raises ConfigurationError."""
    try:
        block, secret = new_key(arguments.name, arguments.roles, arguments.topics, arguments.rate)
    except KeysInvalid as error:
        place = f"keys.{arguments.name}"
        faults = [Fault(fault.path.removeprefix(place).lstrip(".") or "NAME", fault.message) for fault in error.faults]
        raise KeyRefused(faults) from None
    print(f"{block}\n# The secret, shown only now; it does not belong into the file:\n# {secret}")
    return 0
