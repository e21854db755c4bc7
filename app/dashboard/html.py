"""What browsers get at the addresses of pages, and the files that those ask for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fastapi import FastAPI, Request, Response

from app.api.problems import Refusal
from app.dashboard.markup import with_root
from app.dashboard.negotiation import HTML
from app.dashboard.page import REFRESH_S, overview
from app.dashboard.page_headers import PAGE_HEADERS
from app.dashboard.plain import plain_page
from app.dashboard.shell import File, WebPage
from app.observing.snapshot import Snapshot

FILES = {"page.css": "text/css", "icon.svg": "image/svg+xml"}
DEFAULT_REFRESH = "5"
OVERVIEW = "/dashboard"
IMMUTABLE = "public, max-age=31536000, immutable"
REVALIDATED = "no-cache"


def html_of(web_page: WebPage | None, snapshot: Snapshot) -> Callable[[Request], Response]:
    """What gives the HTML of any page: the built web page, or plain HTML."""
    if web_page is None:
        return lambda request: _plain(request, snapshot)
    shell = web_page.shell
    return lambda request: _file(request, shell, REVALIDATED)


def _plain(request: Request, snapshot: Snapshot) -> Response:
    path, root = request.scope["path"], request.scope.get("root_path", "")
    if path == OVERVIEW:
        refresh = request.query_params.get("refresh", DEFAULT_REFRESH)
        page = overview(dict(snapshot.document()), refresh if refresh in REFRESH_S else DEFAULT_REFRESH)
    else:
        name = path.removeprefix("/dashboard/").split("/")[0].replace("-", " ").capitalize()
        page = plain_page(name, root + path)
    return Response(with_root(page, root), media_type=HTML, headers={**PAGE_HEADERS, "vary": "Accept"})


def add_files(application: FastAPI, web_page: WebPage | None) -> None:
    """Routes of the stylesheet and the icon of plain pages, and of what the built web page consists of."""
    for name, media_type in FILES.items():
        content = Path(__file__).with_name(name).read_bytes()
        _add(application, f"/dashboard/{name}", _always(content, media_type))
    assets = {} if web_page is None else web_page.assets

    async def asset(request: Request) -> Response:
        found = assets.get(request.path_params["name"])
        if found is None:
            raise Refusal("not_found", "There is no such file")
        return _file(request, found, IMMUTABLE)

    _add(application, "/dashboard/assets/{name:path}", asset)


def _always(content: bytes, media_type: str) -> Callable[[Request], object]:
    async def file(_: Request) -> Response:
        headers = {**PAGE_HEADERS, "cache-control": "max-age=300"}
        return Response(content, media_type=media_type, headers=headers)

    return file


def _add(application: FastAPI, path: str, endpoint: Callable[[Request], object]) -> None:
    application.add_api_route(path, endpoint, methods=["GET"], include_in_schema=False, response_class=Response)


def _file(request: Request, file: File, caching: str) -> Response:
    headers = {**PAGE_HEADERS, "cache-control": caching, "etag": file.etag, "vary": "Accept, Accept-Encoding"}
    if file.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if file.compressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.compressed, media_type=file.media_type, headers={**headers, "content-encoding": "gzip"})
    return Response(file.content, media_type=file.media_type, headers=headers)
