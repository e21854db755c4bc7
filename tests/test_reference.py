"""The references say what the code says."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
REFERENCE = runpy.run_path(str(ROOT / "scripts" / "reference.py"))


@pytest.mark.parametrize("name", REFERENCE["PAGES_BY_NAME"])
def test_a_page_is_up_to_date(name: str) -> None:
    assert (REFERENCE["PAGES"] / name).read_text() == REFERENCE["page"](name), "run `make docs`"


def test_nothing_in_the_references_is_left_without_words() -> None:
    for row in REFERENCE["page"]("settings.md").splitlines():
        assert not row.endswith("|  |"), row
    assert "Options:\n  -h, --help" in REFERENCE["page"]("commands.md")
