"""What the tests in a browser need to be there, and what to do where it is not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
AXE = ROOT / "ui" / "node_modules" / "axe-core" / "axe.min.js"
INDEX = ROOT / "app" / "dashboard" / "static" / "index.html"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def browser_path() -> str:
    """A Chromium of this machine. Fails, never skips, where there is none."""
    for name in BROWSERS:
        if found := shutil.which(name):
            return found
    pytest.fail(
        "The tests of the web page need Chromium or Chrome on PATH (on Debian: apt-get install chromium). "
        "Without one: make test ARGS='-m \"not browser\"'",
        pytrace=False,
    )


def check_built() -> None:
    """Fails where the web page was not built, or its tools were not installed."""
    if not INDEX.is_file() or not AXE.is_file():
        pytest.fail("The web page is not built: run scripts/ui first", pytrace=False)
