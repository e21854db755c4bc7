"""Spans that stay in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.consuming.stage import Stage
from tests.observing.tracing.spans import Spans


@pytest.fixture
def spans() -> Iterator[Spans]:
    """A provider of the SDK, and what it was given."""
    made = Spans()
    yield made
    made.provider.shutdown()


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """One group's surroundings, on a broker in memory."""
    made = Stage()
    yield made
    await made.close()
