"""What people do with the page: filter, sort, change the theme and the refresh, send, look live, pause."""

from __future__ import annotations

import json

from playwright.async_api import Browser, expect

from tests.browser.conftest import Shop
from tests.browser.tab import WAIT_MS, tab
from tests.waiting import until


async def test_a_search_and_an_order_stand_in_the_address(browser: Browser, shop: Shop) -> None:
    async with tab(browser, shop.url) as page:
        await page.open("/health", "Health")
        await page.page.get_by_role("searchbox", name="Filter: topic, consumer, state").fill("ledger")
        await page.page.wait_for_url("**/health?q=ledger")
        await expect(page.page.get_by_role("button", name=f"Seek {shop.topic('payments')}-0")).to_have_count(0)
        await page.page.get_by_role("button", name="Behind").click()
        await page.page.wait_for_url("**/health?q=ledger&sort=-lag_s")
        await page.page.reload()
        rows = page.page.get_by_role("region", name="Partitions, rows")
        heading = rows.get_by_role("columnheader", name="Behind")
        await expect(heading).to_have_attribute("aria-sort", "descending")
        await expect(page.page.get_by_role("searchbox")).to_have_value("ledger")


async def test_the_theme_and_the_refresh_are_remembered(browser: Browser, shop: Shop) -> None:
    async with tab(browser, shop.url) as page:
        await page.open("", "Overview")
        await page.page.get_by_role("combobox", name="Theme").select_option("dark")
        await page.page.get_by_role("combobox", name="Refresh").select_option("0")
        await page.page.reload()
        await page.shows_page("Overview")
        assert await page.page.evaluate("document.documentElement.dataset.theme") == "dark"
        await expect(page.page.get_by_role("combobox", name="Refresh")).to_have_value("0")
        dark = await page.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert dark == "rgb(15, 18, 23)"


async def test_a_range_of_the_charts_is_chosen_and_shown_as_a_table(browser: Browser, shop: Shop) -> None:
    async with tab(browser, shop.url) as page:
        await page.open("", "Overview")
        await page.button("1 h").click()
        await page.page.wait_for_url("**/dashboard?range=1h")
        chart = page.page.get_by_role("img", name="Messages per second")
        await expect(chart).to_be_visible(timeout=WAIT_MS)
        await page.button("Messages per second as a table").click()
        await expect(page.page.get_by_role("columnheader", name="produced", exact=True)).to_be_visible()


async def test_a_message_is_checked_as_it_is_typed_sent_and_found(browser: Browser, shop: Shop) -> None:
    topic = shop.topic("payments")
    async with tab(browser, shop.url) as page:
        await page.open("/produce", "Produce")
        await page.page.get_by_label("Topic").fill(topic)
        await page.page.get_by_label("Key").fill("typed")
        payload = page.page.get_by_label("Payload", exact=True)
        await payload.fill('{"id": ')
        await page.shows("Not JSON")
        await expect(page.button("Send")).to_have_attribute("aria-disabled", "true")
        await payload.fill('{"id": 9007199254740993}')
        await page.button("Send").click()
        await page.shows("Delivery report")
        await page.shows("delivered")
        await page.page.locator(".report").get_by_role("link", name=topic).click()
        await page.shows_page(topic)
        await page.shows("9007199254740993")
        assert await page.violations() == []


async def test_new_messages_are_seen_live(browser: Browser, shop: Shop) -> None:
    topic = shop.topic("payments")
    async with tab(browser, shop.url) as page:
        await page.open(f"/topics/{topic}", topic)
        await page.button("Live tail").click()
        await page.shows("waiting for messages")
        assert (await shop.process.produce(topic, "seen live")).status_code == 200
        await page.shows("seen live")


async def test_a_partition_is_paused_and_resumed(browser: Browser, shop: Shop) -> None:
    topic = shop.topic("payments")
    async with tab(browser, shop.url) as page:
        await page.open(f"/health?topic={topic}", "Health")
        await page.button(f"pause {topic}-0").click()
        dialog = page.page.get_by_role("dialog")
        await dialog.get_by_role("button", name="Pause", exact=True).click()
        await expect(page.page.get_by_role("status").filter(has_text="Paused")).to_be_visible(timeout=WAIT_MS)
        await page.button(f"resume {topic}-0").click()
        await dialog.get_by_role("button", name="Resume", exact=True).click()
        await expect(page.button(f"pause {topic}-0")).to_be_visible(timeout=WAIT_MS)


async def test_the_matching_rows_are_saved(browser: Browser, shop: Shop) -> None:
    async with tab(browser, shop.url, accept_downloads=True) as page:
        await page.open("/health?q=ledger", "Health")
        async with page.page.expect_download() as saving:
            await page.button("JSON").click()
        path = await (await saving.value).path()
        rows = json.loads(path.read_text())["table"]["rows"]
        assert {row["topic"] for row in rows} == {shop.topic("ledger")}


async def test_a_dead_letter_is_sent_again(browser: Browser, shop: Shop) -> None:
    letters = shop.topic("payments.dlq")
    async with tab(browser, shop.url) as page:
        await page.open(f"/dead-letters/{letters}", letters)
        await page.button("Redrive all…").click()
        await page.page.get_by_role("dialog").get_by_role("button", name="Try without sending").click()
        await page.shows("would be sent")
        await page.page.reload()
        await page.shows("would be sent")

        async def is_unchanged() -> bool:
            totals = (await shop.process.client.get("/dashboard")).json()["consume"]["totals"]
            return bool(totals["dead"] == 1)

        await until(is_unchanged, "a dry run sends nothing", 5)
