"""One tab of the browser, with everything in it that should not have happened."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Browser, ConsoleMessage, HttpCredentials, Locator, Page, expect

from tests.browser.conditions import AXE

Theme = Literal["light", "dark"]
WATCH_POLICY = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
    window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN_AXE = """async (tags) => {
    const { violations } = await axe.run(document, { runOnly: { type: "tag", values: tags } });
    return violations.map((one) => `${one.id}: ${one.help}\\n    ` +
        one.nodes.slice(0, 5).map((node) => `${node.target.join(" ")} ${node.failureSummary}`).join("\\n    "));
}"""
WAIT_MS = 20_000


class Tab:
    """`said` is what the console got and what was thrown."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.said: list[str] = []
        page.set_default_timeout(WAIT_MS)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.said.append(f"thrown: {error}"))

    def _console(self, message: ConsoleMessage) -> None:
        self.said.append(f"{message.type}: {message.text}")

    async def open(self, path: str, title: str) -> None:
        """Opens a page of the dashboard, and waits for its heading and its data."""
        await self.page.goto(f"{self.url}/dashboard{path}")
        await self.shows_page(title)

    async def shows_page(self, title: str) -> None:
        """Waits until the page with this heading is there, with nothing that still loads."""
        await expect(self.page.get_by_role("heading", level=1, name=title, exact=True)).to_be_visible(timeout=WAIT_MS)
        await expect(self.page.locator(".waiting")).to_have_count(0, timeout=WAIT_MS)

    async def shows(self, text: str) -> None:
        """Waits for a text in the main part of the page."""
        await expect(self.page.locator("main").get_by_text(text).first).to_be_visible(timeout=WAIT_MS)

    def button(self, name: str) -> Locator:
        """The button with this name in the main part."""
        return self.page.locator("main").get_by_role("button", name=name, exact=True)

    async def look(self, theme: Theme, width: int) -> None:
        """Looks at the same page in another theme and width."""
        await self.page.emulate_media(color_scheme=theme)
        await self.page.set_viewport_size({"width": width, "height": 900})

    async def violations(self) -> list[str]:
        """What the content security policy has refused."""
        found: list[str] = await self.page.evaluate("window.violations")
        return found

    async def faults_of_access(self) -> list[str]:
        """What axe finds, in words."""
        await self.page.evaluate(AXE.read_text())
        faults: list[str] = await self.page.evaluate(RUN_AXE, AXE_TAGS)
        return faults

    async def too_wide_px(self) -> int:
        """By how much the page is wider than the window."""
        width: int = await self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        return max(0, width)


@asynccontextmanager
async def tab(
    browser: Browser, url: str, theme: Theme = "light", width: int = 1440, **options: Any
) -> AsyncIterator[Tab]:
    """A tab with a memory of its own."""
    context = await browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, **options)
    try:
        await context.add_init_script(WATCH_POLICY)
        yield Tab(await context.new_page(), url)
    finally:
        await context.close()


def credentials(name: str, secret: str) -> HttpCredentials:
    """What a person types when the browser asks for a name and a key."""
    return HttpCredentials(username=name, password=secret)


def screenshot_path(directory: Path, path: str, theme: Theme, width: int) -> Path:
    """Where the picture of a page is kept."""
    name = path.split("?")[0].strip("/").split("/")[0] or "overview"
    return directory / f"{name}-{width}-{theme}.png"
