"""The pictures of the documentation are those that their source draws."""

from __future__ import annotations

import runpy
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DRAWN = runpy.run_path(str(ROOT / "scripts" / "diagrams.py"))


@pytest.mark.parametrize("name", DRAWN["DRAWINGS"])
def test_a_picture_is_up_to_date_and_holds_its_words(name: str) -> None:
    picture = DRAWN["DRAWINGS"][name]()
    text = (DRAWN["PICTURES"] / f"{name}.svg").read_text()
    assert text == DRAWN["svg"](picture), "run `make docs`"
    assert DRAWN["too_wide"](picture) == []
    root = ET.fromstring(text)
    assert [root[0].text, root[1].text] == [picture.title, picture.text]


def test_every_picture_is_shown_on_a_page() -> None:
    pages = "".join(path.read_text() for path in (ROOT / "docs" / "concepts").glob("*.md"))
    assert all(f"../diagrams/{name}.svg" in pages for name in DRAWN["DRAWINGS"])
    drawn = {f"{name}.svg" for name in DRAWN["DRAWINGS"]}
    assert {path.name for path in (ROOT / "docs" / "diagrams").iterdir()} == drawn
