"""Every page, the API's documentation, and the ways that lead to them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse

from app.api.application import Application
from app.api.services import Services
from app.dashboard.cluster_facts import ClusterFacts
from app.dashboard.docs_page import docs
from app.dashboard.html import add_files, html_of
from app.dashboard.learn_page import LearnPage
from app.dashboard.markup import with_root
from app.dashboard.message_routes import MessageRoutes
from app.dashboard.negotiation import HTML
from app.dashboard.own_pages import own_pages
from app.dashboard.page_headers import PAGE_HEADERS
from app.dashboard.pages import Page, Pages
from app.dashboard.shell import STATIC, load_web_page
from app.dashboard.topic_access import topic_access
from app.dashboard.topic_pages import TopicPages
from app.events import OperatorActed

ADDRESSES = (
    "/dashboard/produce",
    "/dashboard/consumers",
    "/dashboard/consumers/{instance}",
    "/dashboard/health",
    "/dashboard/jobs",
    "/dashboard/routing",
    "/dashboard/topics",
    "/dashboard/topics/{topic}",
    "/dashboard/errors",
    "/dashboard/errors/{id}",
    "/dashboard/dead-letters",
    "/dashboard/dead-letters/{topic}",
    "/dashboard/cluster",
    "/dashboard/status",
    "/dashboard/learn",
)
"""Where the web page shows something, whether this service has a document there or not."""


def add_pages(application: Application, services: Services, more: Iterable[Page] = (), static: Path = STATIC) -> None:
    """Registers every page, and `more`; the first that is added for an address is the one that is shown. `static`:
    where the web page was built."""
    web_page = load_web_page(application.root_path, static)
    show_html = html_of(web_page, services.snapshot)
    pages = Pages(application, application.admission.refusing, services.monitor, show_html)
    pages.add(*own_pages(services), *more)
    _add_topics(application, pages, services)
    pages.add_html(*ADDRESSES)
    add_files(application, web_page)
    _add_docs(application)
    for path in ("/", "/karafka/dashboard"):
        application.add_api_route(path, _to_dashboard, methods=["GET"], include_in_schema=False)


def _add_topics(application: Application, pages: Pages, services: Services) -> None:
    access = topic_access(services.settings)
    facts = ClusterFacts(services.admin)
    services.monitor.subscribe(OperatorActed, lambda _: facts.forget())
    pages.add(*TopicPages(services, facts, access).pages(), LearnPage(services, facts, access).page())
    messages = MessageRoutes(services, access)
    messages.add_to(application)
    pages.add_stream(messages.tail())


def _add_docs(application: FastAPI) -> None:
    async def documentation() -> Response:
        page = with_root(docs(application.openapi()), application.root_path)
        return Response(page, media_type=HTML, headers=PAGE_HEADERS)

    application.add_api_route("/docs", documentation, methods=["GET"], include_in_schema=False)


async def _to_dashboard(request: Request) -> Response:
    root = request.scope.get("root_path", "")
    return RedirectResponse(f"{root}/dashboard", status_code=307, headers=PAGE_HEADERS)
