"""What operators do with the page to topics, messages, places and instances; looked at afterwards in Kafka itself."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, Locator, expect

from app.cli.connecting import connect_admin
from app.kafka.admin.protocol import Admin
from tests.browser.conftest import ROUTES, Shop
from tests.browser.tab import WAIT_MS, Tab, tab
from tests.conftest import make_settings
from tests.service_process import ServiceProcess, service
from tests.waiting import until

RECORDS = 5
TIMEOUT_S = 10.0


@pytest_asyncio.fixture(loop_scope="session")
async def admin(kafka: str) -> AsyncIterator[Admin]:
    async with connect_admin(make_settings(kafka)) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="session")
async def own(kafka: str) -> AsyncIterator[tuple[ServiceProcess, str]]:
    """A service of the test's own that has consumed five records of one partition, and the name of its shop."""
    name = f"own-{uuid.uuid4().hex[:8]}"
    async with service(
        kafka,
        draw=ROUTES,
        environment={"SHOP": name},
        kafka_create_topics="true",
        dashboard_actions="true",
        consumer_group_id=name,
    ) as process:
        await process.until_ready()
        for number in range(RECORDS):
            answer = await process.produce(f"{name}.payments", {"id": number}, partition=0)
            assert answer.status_code == 200
        await until(lambda: has_consumed(process, RECORDS), "all is consumed")
        yield process, name


async def has_consumed(process: ServiceProcess, messages: int) -> bool:
    totals = (await process.client.get("/dashboard")).json()["consume"]["totals"]
    return bool(totals["messages"] == messages)


async def confirm(page: Tab, action: str) -> None:
    """Presses the button of the open dialog, which closes then."""
    dialog = page.page.get_by_role("dialog")
    await dialog.get_by_role("button", name=action, exact=True).click()
    await expect(dialog).to_have_count(0, timeout=WAIT_MS)


def said(page: Tab, text: str) -> Locator:
    return page.page.get_by_role("status").filter(has_text=text)


async def test_a_topic_is_made_configured_grown_and_deleted(browser: Browser, shop: Shop, admin: Admin) -> None:
    topic = shop.topic(f"made-{uuid.uuid4().hex[:6]}")

    async def partitions(count: int) -> bool:
        found = (await admin.topics(timeout_s=TIMEOUT_S)).get(topic)
        return count == (0 if found is None else len(found.partitions))

    async def retention(value: str) -> bool:
        rows = (await admin.configs([topic], timeout_s=TIMEOUT_S))[topic]
        return rows["retention.ms"] == value

    async with tab(browser, shop.url) as page:
        await page.open("/topics", "Topics")
        await page.button("Create a topic…").click()
        dialog = page.page.get_by_role("dialog")
        await dialog.get_by_role("textbox", name="Name letters").fill(topic)
        await dialog.get_by_label("Partitions").fill("2")
        await dialog.get_by_label("Configuration").fill("retention.ms=3600000")
        await confirm(page, "Create")
        await until(lambda: partitions(2), "it is made")
        assert await retention("3600000")

        await page.open(f"/topics/{topic}?tab=config", topic)
        await page.button("Change retention.ms").click()
        await dialog.get_by_label("New value").fill("7200000")
        await confirm(page, "Change")
        await until(lambda: retention("7200000"), "it is configured")

        await page.button("Add partitions…").click()
        await dialog.get_by_label("Partitions in all").fill("4")
        await confirm(page, "Add")
        await until(lambda: partitions(4), "it has grown")

        await page.button("Delete…").click()
        sure = dialog.get_by_role("button", name="Delete for good")
        await expect(sure).to_be_disabled()
        await dialog.get_by_role("textbox").fill(topic)
        await sure.click()
        await page.shows_page("Topics")
        await until(lambda: partitions(0), "it is deleted")
        assert (page.said, await page.violations()) == ([], [])


async def test_a_message_is_sent_once_more_as_it_was(browser: Browser, shop: Shop) -> None:
    topic = shop.topic("payments")
    sent = {"key": "again", "headers": {"source": "shop"}, "partition": 1}
    offset = (await shop.process.produce(topic, {"id": 99}, **sent)).json()["offset"]
    async with tab(browser, shop.url) as page:
        await page.open(f"/topics/{topic}?partition=1&offset={offset}", topic)
        await page.button("Republish…").click()
        await confirm(page, "Republish")
        await expect(said(page, f"Sent to {topic}-")).to_be_visible(timeout=WAIT_MS)
        assert (page.said, await page.violations()) == ([], [])
    found = (await shop.process.client.get(f"/dashboard/api/topics/{topic}/messages?search=again&in=key")).json()
    shown = [[message[part] for part in ("key", "value", "headers")] for message in found["messages"]]
    assert len(shown) == 2
    assert shown[0] == shown[1]


async def test_a_group_is_moved_and_its_instance_made_quiet_and_stopped(
    browser: Browser, own: tuple[ServiceProcess, str]
) -> None:
    process, name = own
    topic = f"{name}.payments"
    instance = (await process.client.get("/dashboard")).json()["service"]["instance"]

    async def is_quiet() -> bool:
        return bool((await process.client.get("/dashboard")).json()["service"]["state"] == "quiet")

    async with tab(browser, process.url) as page:
        await page.open(f"/health?topic={topic}", "Health")
        await page.button(f"Seek {topic}-0").click()
        dialog = page.page.get_by_role("dialog")
        await dialog.get_by_label("Where").select_option("earliest")
        await expect(dialog.get_by_text(f"{RECORDS} records will be consumed again")).to_be_visible(timeout=WAIT_MS)
        await confirm(page, "Seek")
        await until(lambda: has_consumed(process, 2 * RECORDS), "they are consumed again")

        await page.open(f"/consumers/{instance}", instance)
        await page.button("Quiet…").click()
        await expect(dialog.get_by_role("button", name="Make it quiet")).to_be_disabled()
        await dialog.get_by_role("textbox").fill(instance)
        await confirm(page, "Make it quiet")
        await until(is_quiet, "it is quiet")
        await page.button("Stop…").click()
        await dialog.get_by_role("textbox").fill(instance)
        assert (page.said, await page.violations()) == ([], [])
        await dialog.get_by_role("button", name="Stop it", exact=True).click()
        assert await process.ended(20) == 0, process.text
