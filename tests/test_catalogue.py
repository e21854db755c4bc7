"""The catalogue of scenarios says what they claim."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CATALOGUE = runpy.run_path(str(ROOT / "scripts" / "catalogue.py"))
SCENARIOS = sorted((ROOT / "tests" / "scenarios").glob("test_*.py"))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_scenario_begins_with_its_claim(path: Path) -> None:
    claim = CATALOGUE["claim"](path)
    assert re.fullmatch(r"\S.{20,250}\.", claim), f"begin {path.name} with its claim, in one sentence"


def test_the_page_is_up_to_date() -> None:
    assert (ROOT / "docs" / "scenarios.md").read_text() == CATALOGUE["page"](), "run `make docs`"


def test_the_groups_name_scenarios_that_exist_once() -> None:
    names = [name for names in CATALOGUE["GROUPS"].values() for name in names]
    assert len(names) == len(set(names))
    assert set(names) <= {path.stem.removeprefix("test_") for path in SCENARIOS}
