"""Seconds of `make soak`: instances and brokers are hurt at random under load, and the history has no fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.run import soak

SECONDS = 4
SEED = 110
"""Begins with a hang, a kill -9 of an instance and one of a broker."""


@pytest.mark.own_broker
async def test_every_promise_is_kept(tmp_path: Path) -> None:
    said: list[str] = []
    outcome = await soak(SECONDS, SEED, tmp_path, said.append)
    assert outcome.passed, "\n".join([*said, outcome.table(), *outcome.complaints, str(outcome.report)])
    assert outcome.faults
    assert outcome.report.records > 0
