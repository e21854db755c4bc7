"""The page without a mouse: the way to the content, to other pages, through a dialog and back."""

from __future__ import annotations

from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import Shop
from tests.browser.tab import tab
from tests.waiting import until

IS_INSIDE = """document.activeElement === document.body ||
    document.querySelector("dialog").contains(document.activeElement)"""


async def _focused(page: Page) -> str:
    text: str = await page.evaluate("document.activeElement.textContent.trim() || document.activeElement.id")
    return text


async def test_the_first_stop_leads_past_the_navigation(browser: Browser, shop: Shop) -> None:
    async with tab(browser, shop.url) as page:
        await page.open("/health", "Health")
        await page.page.keyboard.press("Tab")
        assert await _focused(page.page) == "Skip to the content"
        await page.page.keyboard.press("Enter")
        assert await page.page.evaluate("document.activeElement.id") == "main"


async def test_a_link_moves_the_focus_to_the_heading_of_its_page(browser: Browser, shop: Shop) -> None:
    async with tab(browser, shop.url) as page:
        await page.open("", "Overview")
        await page.page.get_by_role("link", name="Routing", exact=True).focus()
        await page.page.keyboard.press("Enter")
        await page.shows_page("Routing")
        assert await _focused(page.page) == "Routing"
        await expect(page.page).to_have_title("Routing · Demijohn")
        await page.page.go_back()
        await page.shows_page("Overview")


async def test_a_dialog_opens_keeps_the_focus_closes_and_gives_it_back(browser: Browser, shop: Shop) -> None:
    async with tab(browser, shop.url) as page:
        await page.open(f"/health?topic={shop.topic('reports')}", "Health")
        name = f"Seek {shop.topic('reports')}-0"
        await page.button(name).focus()
        await page.page.keyboard.press("Enter")
        dialog = page.page.get_by_role("dialog", name=name)
        await expect(dialog).to_be_visible()
        for _ in range(8):
            await page.page.keyboard.press("Tab")
            assert await page.page.evaluate(IS_INSIDE)
        assert await page.faults_of_access() == []
        await page.page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)
        assert await page.page.evaluate("document.activeElement.getAttribute('aria-label')") == name


async def test_rows_that_do_not_fit_are_reached_by_keys(browser: Browser, shop: Shop) -> None:
    async with tab(browser, shop.url, width=400) as page:
        await page.open("/health", "Health")
        rows = page.page.get_by_role("region", name="Partitions, rows")
        await rows.focus()
        await page.page.keyboard.press("ArrowRight")
        await until(lambda: rows.evaluate("(element) => element.scrollLeft > 0"), "the rows have moved", 10)
