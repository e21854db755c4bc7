"""The pages: the dashboard as JSON or HTML, the API's documentation, and the ways that lead to them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from app.dashboard.docs_page import docs
from app.dashboard.negotiation import HTML, JSON, preferred
from app.dashboard.page import REFRESH_S, overview

FILES = {"page.css": "text/css", "icon.svg": "image/svg+xml"}
DEFAULT_REFRESH = "5"
PAGE_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}
Document = Callable[[], Mapping[str, Any]]


def add_pages(application: FastAPI, snapshot: Document) -> None:
    """Registers every page; `snapshot` gives the dashboard's document of the moment."""
    _add_dashboard(application, snapshot)
    _add_docs(application)
    for path in ("/", "/karafka/dashboard"):
        application.add_api_route(path, _to_dashboard, methods=["GET"], include_in_schema=False)


def _add_dashboard(application: FastAPI, snapshot: Document) -> None:
    async def dashboard(request: Request) -> Response:
        form = preferred(_accept(request), (JSON, HTML))
        if form is None:
            raise HTTPException(406, "This is there as application/json and as text/html")
        headers = {**PAGE_HEADERS, "vary": "Accept"}
        if form == JSON:
            return Response(orjson.dumps(snapshot()), media_type=JSON, headers=headers)
        refresh = request.query_params.get("refresh", DEFAULT_REFRESH)
        page = overview(dict(snapshot()), refresh if refresh in REFRESH_S else DEFAULT_REFRESH)
        return Response(page, media_type=HTML, headers=headers)

    application.add_api_route(
        "/dashboard",
        dashboard,
        methods=["GET"],
        response_class=Response,
        summary="What this instance does, as JSON or as a page",
        operation_id="dashboard",
        tags=["dashboard"],
        responses={200: {"description": "The snapshot", "content": {JSON: {}, HTML: {}}}},
    )
    for name, media_type in FILES.items():
        route = _file(name, media_type)
        application.add_api_route(f"/dashboard/{name}", route, methods=["GET"], include_in_schema=False)


def _file(name: str, media_type: str) -> Callable[[], Awaitable[Response]]:
    content = Path(__file__).with_name(name).read_bytes()
    headers = {**PAGE_HEADERS, "cache-control": "max-age=300"}

    async def file() -> Response:
        return Response(content, media_type=media_type, headers=headers)

    return file


def _add_docs(application: FastAPI) -> None:
    async def documentation() -> Response:
        return Response(docs(application.openapi()), media_type=HTML, headers=PAGE_HEADERS)

    application.add_api_route("/docs", documentation, methods=["GET"], include_in_schema=False)


async def _to_dashboard() -> Response:
    return RedirectResponse("/dashboard", status_code=307, headers=PAGE_HEADERS)


def _accept(request: Request) -> str:
    return ",".join(request.headers.getlist("accept"))
