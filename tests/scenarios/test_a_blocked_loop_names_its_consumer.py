"""A consumer that blocks the event loop is named with its partition and line of code, while it does and after."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from tests.scenarios.stage import Stage
from tests.service_process import service

LINE = r"by Blocks on {topic}-2 \(tests/scenarios/tables\.py:\d+\): use plain def or await"
WAS = r"WARNING The event loop was blocked for ([\d.]+) s " + LINE
HAS_BEEN = r"ERROR +The event loop has been blocked for [\d.]+ s " + LINE


async def test_log_metrics_and_dashboard_name_it_and_live_is_the_loops_own_answer(stage: Stage, tmp_path: Path) -> None:
    topic = await stage.topic(partitions=3)
    freed = tmp_path / "freed"
    draw = "tests.scenarios.tables:blocks"
    async with service(stage.servers, draw=draw, environment={"TOPIC": topic}) as process:
        await process.until_ready()
        assert (await process.produce(topic, str(freed), partition=2)).status_code == 200
        await process.until_logged("The event loop has been blocked")
        assert re.search(HAS_BEEN.format(topic=topic), process.text), process.text
        with pytest.raises(httpx.TimeoutException):
            await process.client.get("/health/live", timeout=0.2)
        freed.touch()
        await process.until_live()
        await process.until_logged("The event loop was blocked")
        told = re.findall(WAS.format(topic=topic), process.text)
        assert len(told) == 1, process.text
        assert float(told[0]) >= 5
        metrics = (await process.client.get("/metrics")).text
        assert 'demijohn_event_loop_blocks_total{consumer="Blocks"} 1.0' in metrics
        lag = re.search(r"^demijohn_event_loop_lag_seconds ([\d.]+)", metrics, re.MULTILINE)
        assert lag is not None
        assert float(lag[1]) >= 5
        reasons = (await process.client.get("/dashboard")).json()["service"]["reasons"]
        assert any(
            reason["code"] == "loop_blocked" and f"Blocks on {topic}-2" in reason["detail"] for reason in reasons
        )
