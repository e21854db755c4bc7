"""A browser and a service with something to show, for all tests here."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.browser.conditions import browser_path, check_built
from tests.browser.shop import POISON
from tests.service_process import ServiceProcess, service
from tests.waiting import until

PAYMENTS = 30
ROUTES = "tests.browser.shop:draw"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests of this directory, and lets them share one loop with the browser."""
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@dataclass(frozen=True, slots=True)
class Shop:
    """A running service, the prefix of its topics, its instance and the id of an error."""

    process: ServiceProcess
    name: str
    instance: str
    error_id: str

    @property
    def url(self) -> str:
        return self.process.url

    def topic(self, name: str) -> str:
        return f"{self.name}.{name}"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium without a window."""
    check_built()
    async with async_playwright() as playwright:
        # A container may give Chromium neither user namespaces nor shared memory.
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        running = await playwright.chromium.launch(executable_path=browser_path(), args=arguments)
        yield running
        await running.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shop(kafka: str) -> AsyncIterator[Shop]:
    """A service that has produced, consumed, failed, given up and waits."""
    name = f"shop-{uuid.uuid4().hex[:8]}"
    async with service(
        kafka,
        draw=ROUTES,
        environment={"SHOP": name},
        kafka_create_topics="true",
        dashboard_actions="true",
        consumer_pause_ms=30_000,
        consumer_group_id=name,
    ) as process:
        await process.until_ready()
        await _fill(process, name)
        snapshot = (await process.client.get("/dashboard")).json()
        errors = (await process.client.get("/dashboard/errors?q=TimeoutError")).json()["table"]["rows"]
        yield Shop(process, name, snapshot["service"]["instance"], errors[0]["id"])


async def _fill(process: ServiceProcess, name: str) -> None:
    for number in range(PAYMENTS):
        payload = {"id": number, "amount": number * 1.5, "lines": [{"sku": f"A-{number}"}]}
        report = await process.produce(f"{name}.payments", payload, key=f"k-{number}", headers={"source": "shop"})
        assert report.status_code == 200
    for topic, text in (("payments", POISON), ("ledger", "entry"), ("reports", "daily")):
        assert (await process.produce(f"{name}.{topic}", text)).status_code == 200

    async def is_full() -> bool:
        consume = (await process.client.get("/dashboard")).json()["consume"]
        states = {row["state"] for group in consume["groups"] for row in group["partitions"]}
        return consume["totals"]["dead"] == 1 and {"running", "retrying"} <= states

    await until(is_full, "the service has something to show on every page", 40)
