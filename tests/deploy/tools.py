"""Programs of others that tests ask. Where one is missing its tests are skipped, but never in CI."""

from __future__ import annotations

import os
import shutil

import pytest


def program(name: str, package: str) -> str:
    """The path of a program; `package`: Debian's that has it."""
    path = shutil.which(name)
    if path is None:
        remedy = f"{name} is not installed (on Debian: apt-get install {package})"
        if os.environ.get("CI"):
            pytest.fail(remedy)
        pytest.skip(remedy)
    return path
