"""docs/reliability.md names tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
TEXT = (TESTS.parent / "docs" / "reliability.md").read_text()
NAMED = re.findall(r"`([a-z_/0-9]+/test_[a-z_0-9]+\.py)(?:::(test_[a-z_0-9]+))?`", TEXT)


def test_there_is_one_for_each_trap() -> None:
    rows = [line for line in TEXT.split("## Traps")[1].split("\n## ")[0].splitlines() if line.startswith("| ")]
    assert len(rows) > 20
    assert all("/test_" in row for row in rows[1:])


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_a_test_that_is_named_is_there(file: str, name: str) -> None:
    text = (TESTS / file).read_text()
    assert not name or re.search(rf"^(?:async )?def {name}\(", text, re.MULTILINE)
