"""Every page: its data, in both themes, wide and narrow, without a word in the console, a refusal or a barrier."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.browser.conftest import Shop
from tests.browser.tab import Tab, Theme, screenshot_path, tab

VIEWS: list[tuple[Theme, int]] = [("light", 1440), ("dark", 1600), ("light", 360), ("dark", 400)]
PAGES = [
    ("", "Overview", "Messages per second"),
    ("/produce", "Produce", "Send a message"),
    ("/consumers", "Consumers", "{instance}"),
    ("/consumers/{instance}", "{instance}", "{shop}.ledger"),
    ("/health", "Health", "{shop}.ledger"),
    ("/jobs", "Jobs", "{shop}.reports"),
    ("/routing", "Routing", "KAFKA_BOOTSTRAP_SERVERS"),
    ("/topics?q={shop}", "Topics", "{shop}.payments"),
    ("/topics/{shop}.payments", "{shop}.payments", "A-29"),
    ("/topics/{shop}.payments?partition=0&offset=0", "{shop}.payments", "offset 0"),
    ("/topics/{shop}.payments?tab=partitions", "{shop}.payments", "Leader"),
    ("/topics/{shop}.payments?tab=groups", "{shop}.payments", "Consumer groups"),
    ("/topics/{shop}.payments?tab=config", "{shop}.payments", "cleanup.policy"),
    ("/errors", "Errors", "the ledger does not answer"),
    ("/errors/{error}", "TimeoutError", "Traceback"),
    ("/dead-letters", "Dead letters", "{shop}.payments.dlq"),
    ("/dead-letters/{shop}.payments.dlq", "{shop}.payments.dlq", "this payment cannot be read"),
    ("/cluster", "Cluster", "127.0.0.1"),
    ("/status", "Status", "Kafka"),
    ("/learn", "Learn", "Consumers share partitions in a group"),
]


def _filled(text: str, shop: Shop) -> str:
    return text.format(shop=shop.name, instance=shop.instance, error=shop.error_id)


@pytest.mark.parametrize(
    ("path", "title", "data"), PAGES, ids=[path.split("/{")[0] or "overview" for path, *_ in PAGES]
)
async def test_a_page_shows_its_data_and_has_no_fault(
    browser: Browser, shop: Shop, path: str, title: str, data: str
) -> None:
    async with tab(browser, shop.url) as page:
        await page.open(_filled(path, shop), _filled(title, shop))
        await page.shows(_filled(data, shop))
        for theme, width in VIEWS:
            await page.look(theme, width)
            await page.shows(_filled(data, shop))
            assert await page.too_wide_px() == 0, width
            await _keep_picture(page, path, theme, width)
        for theme, width in (VIEWS[0], VIEWS[-1]):
            await page.look(theme, width)
            assert await page.faults_of_access() == [], theme
        assert await page.violations() == []
        assert page.said == []


async def _keep_picture(page: Tab, path: str, theme: Theme, width: int) -> None:
    if pictures := os.environ.get("PICTURES"):
        await page.page.screenshot(path=screenshot_path(Path(pictures), path, theme, width), full_page=True)


async def test_the_first_load_is_small(browser: Browser, shop: Shop) -> None:
    async with tab(browser, shop.url) as page:
        await page.open("", "Overview")
        shell = [await page.page.evaluate("performance.getEntriesByType('navigation')[0].encodedBodySize")]
        parts = "performance.getEntriesByType('resource').filter((one) => /assets/.test(one.name))"
        shell += await page.page.evaluate(f"{parts}.map((one) => one.encodedBodySize)")
        assert len(shell) >= 3
        assert 0 < sum(shell) < 100_000
