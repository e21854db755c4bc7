"""Links between the pages of the documentation, and to files of the repository, lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
NAMED = re.compile(r"`((?:docs|deploy|examples|scripts|tests)/[\w./-]+)`")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`]*`")


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    text = FENCED.sub("", page.read_text())
    wrong = []
    for target in LINK.findall(CODE.sub("", text)):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            wrong.append(target)
    wrong += [name for name in NAMED.findall(text) if not (ROOT / name.rstrip("/.")).exists()]
    assert wrong == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, left = set[Path](), [ROOT / "README.md"]
    while left:
        page = left.pop()
        if page in reached or page.suffix != ".md" or not page.exists():
            continue
        reached.add(page)
        text = page.read_text()
        left += [(page.parent / target.partition("#")[0]).resolve() for target in LINK.findall(text)]
        left += [ROOT / name for name in NAMED.findall(text)]
    only_of_the_site = {ROOT / "CHANGELOG.md", ROOT / "docs" / "index.md"}
    assert set(PAGES) - only_of_the_site - reached == set()


def test_every_page_stands_in_the_contents_of_the_site() -> None:
    contents = (ROOT / "docs" / "index.md").read_text()
    pages = {str(page.relative_to(ROOT / "docs").with_suffix("")) for page in PAGES if "docs" in page.parts}
    assert pages - {"index"} == set(re.findall(r"^([a-z][\w/-]*)$", contents, re.MULTILINE))
