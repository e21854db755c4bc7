"""What a page says where not all is well: Kafka away, a key that may not, nothing there, a service that has gone."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, expect

from app.api.keys import new_key
from tests.browser.conftest import Shop
from tests.browser.tab import WAIT_MS, Tab, credentials, tab
from tests.service_process import ServiceProcess, free_port, service
from tests.waiting import until

GONE = "The service does not answer"


@asynccontextmanager
async def live_service(servers: str, *arguments: str, **settings: Any) -> AsyncIterator[ServiceProcess]:
    async with service(servers, *arguments, **settings) as process:
        await process.until_live()
        yield process


async def test_with_kafka_away_the_page_says_so_and_goes_on(browser: Browser) -> None:
    servers = f"127.0.0.1:{free_port()}"
    async with live_service(servers, kafka_request_timeout_ms=1000) as process, tab(browser, process.url) as page:
        await page.open("", "Overview")
        await expect(page.page.locator("header").get_by_text("unhealthy")).to_be_visible(timeout=WAIT_MS)
        await page.shows("broker unreachable")
        await page.page.goto(f"{process.url}/dashboard/topics")
        await expect(page.page.get_by_role("alert").first).to_be_visible(timeout=WAIT_MS)
        assert await page.faults_of_access() == []
        assert await page.violations() == []


async def test_a_table_without_rows_says_why(browser: Browser, kafka: str) -> None:
    async with live_service(kafka, "--no-consumers") as process, tab(browser, process.url) as page:
        for path, title, text in (
            ("/errors", "Errors", "No error since the start."),
            ("/jobs", "Jobs", "No job runs or waits at this moment."),
            ("/errors?q=something", "Errors", "No error since the start."),
        ):
            await page.open(path, title)
            await page.shows(text)
        assert await page.faults_of_access() == []


async def test_what_nobody_finds_can_be_shown_again(browser: Browser, shop: Shop) -> None:
    async with tab(browser, shop.url) as page:
        await page.open("/errors?q=nothing-like-this", "Errors")
        await page.button("Show all").click()
        await page.shows("the ledger does not answer")
        assert page.page.url == f"{shop.url}/dashboard/errors"


async def test_a_key_that_only_reads_sees_all_and_is_told_why_it_cannot_act(
    browser: Browser, kafka: str, tmp_path: Path
) -> None:
    block, secret = new_key("viewer", ["read"], ["*"], None)
    keys = tmp_path / "keys.toml"
    keys.write_text(block)
    async with live_service(kafka, http_api_keys_file=keys, kafka_create_topics="true") as process:
        await process.until_ready()
        who = credentials("viewer", secret)
        async with tab(browser, process.url, http_credentials=who) as page:
            await page.open("/topics", "Topics")
            create = page.button("Create a topic…")
            await expect(create).to_have_attribute("aria-disabled", "true")
            await create.focus()
            reason = page.page.get_by_role("tooltip").first
            await expect(reason).to_be_visible()
            await expect(reason).to_contain_text("admin")
            await create.click(force=True)
            await expect(page.page.get_by_role("dialog")).to_have_count(0)
            assert await page.faults_of_access() == []
            keys.write_text(new_key("other", ["read"], ["*"], None)[0])
            await until(lambda: _is_refused(process, secret), "the key is no longer taken", 20)
            await _sees_the_refusal(page)


async def _is_refused(process: ServiceProcess, secret: str) -> bool:
    return (await process.client.get("/dashboard", headers={"x-api-key": secret})).status_code == 401


async def _sees_the_refusal(page: Tab) -> None:
    await page.page.get_by_role("combobox", name="Refresh").select_option("5")
    await expect(page.page.get_by_role("alert").first).to_contain_text("API key", timeout=WAIT_MS)
    await expect(page.page.locator(".content.stale")).to_be_visible(timeout=WAIT_MS)


async def test_what_is_old_is_greyed_and_said_and_comes_back_by_itself(browser: Browser, kafka: str) -> None:
    port = free_port()
    async with live_service(kafka, "--no-consumers", http_port=port) as process, tab(browser, process.url) as page:
        await page.open("", "Overview")
        process.send(signal.SIGKILL)
        await process.ended()
        await expect(page.page.locator(".content.stale")).to_be_visible(timeout=WAIT_MS)
        await page.shows(GONE)
        await expect(page.page.get_by_role("alert").first).to_contain_text("old")
        async with live_service(kafka, "--no-consumers", http_port=port):
            await expect(page.page.locator(".content.stale")).to_have_count(0, timeout=WAIT_MS)
            await expect(page.page.get_by_role("alert")).to_have_count(0, timeout=WAIT_MS)
