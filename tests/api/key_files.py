"""Files of API keys for tests; their hashes cost little, as the tests make many."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from app.api import keys

CHEAP = (4, 1, 1)
Tables = Mapping[str, Mapping[str, Any]]


class KeyFile:
    """A file of API keys; `secrets` by name of the key."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(keys, "COST", CHEAP)
        self.path = path
        self.secrets: dict[str, str] = {}
        self.written = 0

    def write(self, tables: Tables) -> None:
        """The file holds new keys with these roles, topics and rates."""
        blocks = []
        for name, table in tables.items():
            block, self.secrets[name] = keys.new_key(
                name, table.get("roles", ["produce"]), table.get("topics", ["*"]), table.get("rate")
            )
            blocks.append(block)
        self.write_text("\n".join(blocks))

    def write_text(self, text: str) -> None:
        """The file holds this, and has a time of its own."""
        self.path.write_text(text)
        self.written += 1
        os.utime(self.path, ns=(self.written, self.written))

    def bearer(self, name: str) -> dict[str, str]:
        """The header that shows the key."""
        return {"authorization": f"Bearer {self.secrets[name]}"}
