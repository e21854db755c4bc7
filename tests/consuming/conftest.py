"""Fixtures of the engine's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.consuming.stage import Stage


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """One group's surroundings, on a broker in memory."""
    made = Stage()
    yield made
    await made.close()
