"""docs/dashboard.md names every page, and every column of every table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.routing import Route

from app.dashboard.dead_letter_pages import TOPICS as DEAD_LETTERS
from app.dashboard.error_pages import ERRORS
from app.dashboard.instance_pages import HEALTH, INSTANCES, JOBS
from app.dashboard.queries import TableSpec
from app.dashboard.routes import ADDRESSES
from app.dashboard.topic_pages import TOPICS, TROUBLED
from app.observing.series import COUNTS, GAUGES, RATES
from tests.api.service import Service

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "dashboard.md").read_text()
SECTIONS = {
    match[1]: match[2] for match in re.finditer(r"### `(/dashboard[^`]*)`\n(.*?)(?=\n### |\n## |\Z)", PAGE, re.DOTALL)
}
NOT_DOCUMENTS = ("/dashboard/page.css", "/dashboard/icon.svg", "/dashboard/assets/{name:path}")
ELSEWHERE = {
    path
    for page in DOCS.glob("*.md")
    for path in re.findall(r"`(?:[A-Z]+ )?(/dashboard/api/[^` ?]*)", page.read_text())
}


def paths(service: Service) -> set[str]:
    routes = [route for route in service.application.router.routes if isinstance(route, Route)]
    return {route.path for route in routes if route.path.startswith("/dashboard") and "GET" in (route.methods or ())}


async def test_every_documented_path_exists(service: Service) -> None:
    assert SECTIONS.keys() <= paths(service)


async def test_everything_that_the_web_page_does_not_show_by_itself_is_described(service: Service) -> None:
    assert paths(service) - set(ADDRESSES) <= {*SECTIONS, *ELSEWHERE, *NOT_DOCUMENTS}


@pytest.mark.parametrize(
    ("path", "spec"),
    [
        ("/dashboard/consumers", INSTANCES),
        ("/dashboard/health", HEALTH),
        ("/dashboard/jobs", JOBS),
        ("/dashboard/dead-letters", DEAD_LETTERS),
        ("/dashboard/errors", ERRORS),
        ("/dashboard/topics", TOPICS),
        ("/dashboard/cluster", TROUBLED),
    ],
)
def test_every_column_is_described(path: str, spec: TableSpec) -> None:
    assert set(spec.columns) <= set(re.findall(r"`(\w+)`", SECTIONS[path]))


def test_every_series_is_described() -> None:
    assert {*RATES, *COUNTS, *GAUGES} <= set(re.findall(r"`(\w+)`", SECTIONS["/dashboard/api/history"]))
