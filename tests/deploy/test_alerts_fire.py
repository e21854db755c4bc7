"""A real Prometheus with the shipped rules sees a service whose parts are broken one by one."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import yaml

from app.kafka.embedded.apache import ApacheCluster
from tests.deploy.tools import program
from tests.service_process import free_port, service
from tests.waiting import until

RULES = Path(__file__).parents[2] / "deploy" / "prometheus" / "alerts.yml"
DRAW = "tests.scenarios.tables:dead_letters"


def hurried(rules: str) -> str:
    """The rules with seconds for minutes, and rates over at least what a scrape every second can tell."""
    return re.sub(r"(?<=[\[ \w])(\d+)m(?=\b)", lambda found: f"{max(4, int(found[1]))}s", rules)


class Prometheus:
    """One run of Prometheus that scrapes one service."""

    def __init__(self, port: int) -> None:
        self._client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False)

    async def firing(self) -> set[str]:
        """The names of the alerts that fire now."""
        try:
            answer = (await self._client.get("/api/v1/alerts")).json()
        except httpx.TransportError:
            return set()
        return {alert["labels"]["alertname"] for alert in answer["data"]["alerts"] if alert["state"] == "firing"}

    async def until_firing(self, *names: str) -> None:
        await until(lambda: self._all_fire(set(names)), f"{names} fire", 30)

    async def until_silent(self, *names: str) -> None:
        await until(lambda: self._none_fires(set(names)), f"{names} fire no more", 40)

    async def _all_fire(self, names: set[str]) -> bool:
        return names <= await self.firing()

    async def _none_fires(self, names: set[str]) -> bool:
        return not names & await self.firing()

    async def close(self) -> None:
        await self._client.aclose()


@asynccontextmanager
async def prometheus(directory: Path, target: int) -> AsyncIterator[Prometheus]:
    port = free_port()
    (directory / "alerts.yml").write_text(hurried(RULES.read_text()))
    scrape = {"job_name": "demijohn", "static_configs": [{"targets": [f"127.0.0.1:{target}"]}]}
    pace = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    config = directory / "prometheus.yml"
    config.write_text(yaml.safe_dump({"global": pace, "rule_files": ["alerts.yml"], "scrape_configs": [scrape]}))
    process = await asyncio.create_subprocess_exec(
        program("prometheus", "prometheus"),
        *(f"--config.file={config}", f"--storage.tsdb.path={directory}", f"--web.listen-address=127.0.0.1:{port}"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    running = Prometheus(port)
    try:
        yield running
    finally:
        await running.close()
        process.kill()
        await process.wait()


async def test_what_breaks_is_told_and_what_heals_is_told_no_more(own_kafka: ApacheCluster, tmp_path: Path) -> None:
    servers = own_kafka.bootstrap_servers
    environment = {"TOPIC": "payments", "DLQ": "payments.dlq"}
    async with (
        service(
            servers, draw=DRAW, environment=environment, kafka_create_topics=True, producer_transactional_id_prefix="a"
        ) as process,
        prometheus(tmp_path, process.port) as watching,
    ):
        await process.until_ready()
        assert (await process.produce("payments", 1)).status_code == 200
        await watching.until_silent("DemijohnDown", "DemijohnBrokerUnreachable")
        assert (await process.produce("payments", 3)).status_code == 200
        await watching.until_firing("DemijohnDeadLetters")
        own_kafka.pause_node(0)
        assert (await process.produce("payments", 1, mode="async")).status_code in (202, 503)
        await watching.until_firing("DemijohnBrokerUnreachable")
        own_kafka.resume_node(0)
        await watching.until_silent("DemijohnBrokerUnreachable")
        process.send(signal.SIGSTOP)
        await watching.until_firing("DemijohnDown")
        process.send(signal.SIGCONT)
        await watching.until_silent("DemijohnDown")
