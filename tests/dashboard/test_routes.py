"""The dashboard as JSON and as a page, and the page of the API."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser

import pytest

from app.dashboard.negotiation import HTML, JSON, preferred
from app.events import DeadLetterDispatched, ErrorOccurred, PartitionProgress, PartitionsAssigned, WarningRaised
from app.messages import TopicPartition
from tests.api.service import Service

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    service = Service()
    yield service
    await service.close()


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/json", JSON),
        ("text/html", HTML),
        (BROWSER, HTML),
        ("text/html, application/json", JSON),
        ("text/html;q=0.9, application/json;q=0.8", HTML),
        ("text/html;q=0.8, application/json;q=0.9", JSON),
        ("application/json;q=0, */*", HTML),
        ("text/*, application/json;q=0.5", HTML),
        ("TEXT/HTML;Q=1.000", HTML),
        ("text/html;level=1;q=0.5, */*;q=0.1", HTML),
        ("image/png", None),
        ("text/html;q=0", None),
        ("text/html;q=2", None),
        ("nonsense", JSON),
    ],
)
def test_the_form_is_chosen_by_quality(accept: str, form: str | None) -> None:
    assert preferred(accept, (JSON, HTML)) == form


async def test_the_dashboard_is_json_unless_html_is_preferred(service: Service) -> None:
    document = await service.http.get("/dashboard")
    assert document.headers["content-type"] == "application/json"
    assert document.json()["schema_version"] == 1
    page = await service.http.get("/dashboard", headers={"accept": BROWSER})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["vary"] == "Accept"
    neither = await service.http.get("/dashboard", headers={"accept": "image/png"})
    assert (neither.status_code, neither.json()["code"]) == (406, "not_acceptable")


async def test_pages_need_no_script_and_allow_none(service: Service) -> None:
    for path in ("/dashboard", "/docs"):
        response = await service.http.get(path, headers={"accept": BROWSER})
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["x-frame-options"] == "DENY"
        assert not re.search(r"<script|<style|\sstyle=|\son\w+=|https?://", response.text)


class Links(HTMLParser):
    """Collects where a page leads to, and checks that its tags are closed in order."""

    VOID = frozenset({"meta", "link"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: set[str] = set()
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        self.links |= {value for name, value in attrs if name in ("href", "src") and value}
        self.ids |= {value for name, value in attrs if name == "id" and value}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


async def test_every_link_of_a_page_leads_somewhere(service: Service) -> None:
    for path in ("/dashboard", "/docs"):
        page = Links()
        page.feed((await service.http.get(path, headers={"accept": BROWSER})).text)
        assert not page.open
        for link in page.links:
            if link.startswith("#"):
                assert link[1:] in page.ids
            else:
                assert (await service.http.get(link)).status_code == 200, link


async def test_what_strangers_wrote_is_escaped(service: Service) -> None:
    at = TopicPartition("example", 0)
    service.monitor.emit(PartitionsAssigned("demijohn", "l", frozenset({at})))
    service.monitor.emit(ErrorOccurred("consumer.consume", ValueError("<script>alert('x')</script>")))
    service.monitor.emit(WarningRaised("odd", "<b>&"))
    page = (await service.http.get("/dashboard", headers={"accept": BROWSER})).text
    assert "<script" not in page
    assert "&lt;script&gt;alert(&#x27;x&#x27;)" in page
    assert "&lt;b&gt;&amp;" in page


async def test_the_page_shows_what_the_document_says(service: Service) -> None:
    at = TopicPartition("example", 1)
    service.monitor.emit(PartitionsAssigned("demijohn", "l", frozenset({at})))
    service.monitor.emit(
        PartitionProgress("demijohn", "example", 1, "SomeConsumer", "running", 1200, 1200, 1200, 4612, 1)
    )
    service.monitor.emit(DeadLetterDispatched("demijohn", "j", "example", 1, 5, "example.dlq", KeyError("id")))
    page = (await service.http.get("/dashboard", headers={"accept": BROWSER})).text
    for shown in ("<b>example-1</b>", "SomeConsumer", "4,612", "3,412", "example.dlq", "Group demijohn"):
        assert shown in page, shown


@pytest.mark.parametrize(
    ("query", "refresh"), [("", "5"), ("?refresh=2", "2"), ("?refresh=off", None), ('?refresh="><b>', "5")]
)
async def test_the_page_refreshes_itself_as_asked(service: Service, query: str, refresh: str | None) -> None:
    page = (await service.http.get(f"/dashboard{query}", headers={"accept": BROWSER})).text
    found = re.search(r'<meta http-equiv="refresh" content="([^"]*)">', page)
    assert (found and found[1]) == refresh


@pytest.mark.parametrize("path", ["/", "/karafka/dashboard"])
async def test_other_addresses_lead_to_the_dashboard(service: Service, path: str) -> None:
    response = await service.http.get(path)
    assert response.status_code == 307
    assert response.headers["location"] == "/dashboard"


async def test_the_icon_is_served_here_and_named_by_every_page(service: Service) -> None:
    icon = await service.http.get("/dashboard/icon.svg")
    assert icon.headers["content-type"] == "image/svg+xml"
    for path in ("/dashboard", "/docs"):
        page = await service.http.get(path, headers={"accept": "text/html"})
        assert 'rel="icon" type="image/svg+xml" href="/dashboard/icon.svg"' in page.text


async def test_the_stylesheet_is_served_here(service: Service) -> None:
    response = await service.http.get("/dashboard/page.css")
    assert response.headers["content-type"].startswith("text/css")
    assert "prefers-color-scheme: dark" in response.text


async def test_the_dashboard_works_with_kafka_away_and_stays_small(service: Service) -> None:
    service.kafka.reachable = False
    partitions = frozenset(TopicPartition("example", number) for number in range(200))
    service.monitor.emit(PartitionsAssigned("demijohn", "l", partitions))
    for number in range(3000):
        service.monitor.emit(ErrorOccurred("consumer.consume", KeyError(number % 30)))
    answer = await service.http.get("/dashboard")
    page = await service.http.get("/dashboard", headers={"accept": "text/html"})
    assert (answer.status_code, page.status_code) == (200, 200)
    assert answer.json()["broker"]["reachable"] is False
    assert len(answer.content) < 200_000
    assert len(page.content) < 100_000
