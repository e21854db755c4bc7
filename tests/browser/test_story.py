"""With a mouse alone: a consumer fails, its error is read, the record found, the fault mended, the message redriven."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.mended import DONE, MENDED
from tests.browser.tab import WAIT_MS, Tab, tab
from tests.service_process import ServiceProcess, service
from tests.waiting import until

ORDERS = 6


class Story(NamedTuple):
    """A service whose consumer fails at order 3, until `mended` exists."""

    process: ServiceProcess
    topic: str
    mended: Path
    done: Path

    def orders_done(self) -> list[int]:
        return [int(line) for line in self.done.read_text().split()] if self.done.exists() else []


@pytest_asyncio.fixture(loop_scope="session")
async def story(kafka: str, tmp_path: Path) -> AsyncIterator[Story]:
    topic = f"orders-{uuid.uuid4().hex[:8]}"
    mended, done = tmp_path / "mended", tmp_path / "done"
    environment = {"ORDERS": topic, MENDED: str(mended), DONE: str(done)}
    async with service(
        kafka,
        draw="tests.browser.mended:draw",
        environment=environment,
        kafka_create_topics="true",
        dashboard_actions="true",
        producer_transactional_id_prefix=topic,
        fleet="off",
    ) as process:
        await process.until_ready()
        for number in range(ORDERS):
            assert (await process.produce(topic, {"id": number}, partition=0)).status_code == 200
        yield Story(process, topic, mended, done)


async def go(page: Page, name: str) -> None:
    """Clicks the page's name at the left."""
    await page.get_by_role("navigation", name="Pages").get_by_role("link", name=name).click()


async def test_a_fault_is_found_mended_and_made_good(browser: Browser, story: Story) -> None:
    async with tab(browser, story.process.url) as look:
        await look.open("", "Overview")
        await look.shows("retrying")
        await sees_how_far_it_is_behind(look, story)
        await reads_the_error_and_finds_the_record(look, story)
        others = [0, 1, 2, 4, 5]
        await until(lambda: story.orders_done() == others, "the others are done, the guilty one is given up", 40)
        story.mended.touch()
        await redrives(look, story)
        await pauses_and_resumes(look, story)
        assert look.said == []
        assert await look.violations() == []


async def sees_how_far_it_is_behind(look: Tab, story: Story) -> None:
    await go(look.page, "Health")
    await look.shows_page("Health")
    row = look.page.get_by_role("row").filter(has_text=f"{story.topic}-0").filter(has_text="retrying")
    await expect(row).to_contain_text("attempt", timeout=WAIT_MS)
    behind = row.locator("data[title$=' s']").first
    await expect(behind).to_be_visible(timeout=WAIT_MS)
    assert float(await behind.get_attribute("value") or "0") > 0


async def reads_the_error_and_finds_the_record(look: Tab, story: Story) -> None:
    await go(look.page, "Errors")
    await look.shows_page("Errors")
    await look.page.locator("main").get_by_role("link", name="KeyError").first.click()
    await look.shows_page("KeyError")
    await look.shows("raise KeyError")
    await look.page.locator("main dd").get_by_role("link", name=story.topic).first.click()
    await look.shows_page(story.topic)
    await look.shows('"id"')


async def redrives(look: Tab, story: Story) -> None:
    await go(look.page, "Dead letters")
    await look.shows_page("Dead letters")
    await look.page.locator("main").get_by_role("link", name=f"{story.topic}.dlq").click()
    await look.shows_page(f"{story.topic}.dlq")
    await look.page.get_by_label("all that are shown").check()
    await look.button("Redrive 1 message…").click()
    dialog = look.page.get_by_role("dialog")
    await dialog.get_by_label("dry run").uncheck()
    await dialog.get_by_role("button", name="Redrive", exact=True).click()
    await until(lambda: story.orders_done() == [0, 1, 2, 4, 5, 3], "the redriven message is consumed, once", 30)


async def pauses_and_resumes(look: Tab, story: Story) -> None:
    await go(look.page, "Health")
    await look.shows_page("Health")
    dialog = look.page.get_by_role("dialog")
    await look.button(f"pause {story.topic}-0").click()
    await dialog.get_by_role("button", name="Pause", exact=True).click()
    await expect(look.button(f"resume {story.topic}-0")).to_be_visible(timeout=WAIT_MS)
    assert (await story.process.produce(story.topic, {"id": 7}, partition=0)).status_code == 200
    row = look.page.get_by_role("row").filter(has_text=f"{story.topic}-0").filter(has_text="paused")
    await expect(row.get_by_role("cell", name="1", exact=False).first).to_be_visible(timeout=WAIT_MS)
    assert 7 not in story.orders_done()
    await look.button(f"resume {story.topic}-0").click()
    await dialog.get_by_role("button", name="Resume", exact=True).click()
    await until(lambda: story.orders_done()[-1] == 7, "what waited is consumed", 20)
