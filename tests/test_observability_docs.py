"""docs/observability.md names every metric and every span."""

from __future__ import annotations

import re
from pathlib import Path

from tests.api.service import Service

TEXT = (Path(__file__).parents[1] / "docs" / "observability.md").read_text()


def listed() -> set[str]:
    """The metrics of the page's table, whose later names in a row leave the prefix out."""
    rows = re.findall(r"^\| (`demijohn_.*?) \|", TEXT, re.MULTILINE)
    return {
        "demijohn_" + name.removeprefix("demijohn_").lstrip("_") for row in rows for name in re.findall("`(.*?)`", row)
    }


async def test_every_metric_is_listed_and_no_other() -> None:
    service = Service()
    exposition = (await service.http.get("/metrics")).text
    await service.close()
    kinds = dict(re.findall(r"^# TYPE (demijohn_\S+) (\S+)$", exposition, re.MULTILINE))
    names = {name for name in kinds if not name.endswith("_created")}
    only_once_measured = {"demijohn_event_loop_lag_seconds"}
    assert listed() == names | only_once_measured
