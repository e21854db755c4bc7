"""The built web page and its files; plain HTML where nothing was built."""

from __future__ import annotations

import gzip
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from app.dashboard.html import add_files, html_of
from app.dashboard.routes import ADDRESSES
from app.dashboard.shell import WebPage, load_web_page
from tests.api.service import Service

INDEX = b'<!doctype html><meta name="base" content="/dashboard"><script src="/dashboard/assets/app-1f.js"></script>'
SCRIPT = b"console.log('a script that is long enough to be worth compressing');" * 20


@pytest.fixture
def static(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_bytes(INDEX)
    (tmp_path / "assets" / "app-1f.js").write_bytes(SCRIPT)
    (tmp_path / "assets" / "inter.woff2").write_bytes(b"font")
    return tmp_path


def loaded(static: Path, root_path: str = "") -> WebPage:
    web_page = load_web_page(root_path, static)
    assert web_page is not None
    return web_page


def client(web_page: WebPage, service: Service) -> httpx.AsyncClient:
    application = FastAPI()
    show_html = html_of(web_page, service.snapshot)

    async def page(request: Request) -> Response:
        return show_html(request)

    application.add_api_route("/dashboard/{path:path}", page, methods=["GET"])
    application.router.routes.insert(0, application.router.routes.pop())
    bare = FastAPI()
    add_files(bare, web_page)
    application.router.routes[:0] = bare.router.routes
    return httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://127.0.0.1")


async def test_the_shell_is_revalidated_by_its_etag(static: Path, service: Service) -> None:
    async with client(loaded(static), service) as http:
        shell = await http.get("/dashboard/health")
        assert (shell.content, shell.headers["cache-control"]) == (INDEX, "no-cache")
        assert "script-src 'self'" in shell.headers["content-security-policy"]
        again = await http.get("/dashboard/health", headers={"if-none-match": shell.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


async def test_files_are_kept_for_good_and_compressed_beforehand(static: Path, service: Service) -> None:
    web_page = loaded(static)
    async with client(web_page, service) as http:
        script = await http.get("/dashboard/assets/app-1f.js")
        assert script.content == SCRIPT
        assert script.headers["content-encoding"] == "gzip"
        assert "immutable" in script.headers["cache-control"]
        assert script.headers["content-type"].startswith("text/javascript")
        plain = await http.get("/dashboard/assets/app-1f.js", headers={"accept-encoding": "identity"})
        assert "content-encoding" not in plain.headers
        assert plain.content == SCRIPT
    compressed = web_page.assets["app-1f.js"].compressed
    assert compressed is not None
    assert gzip.decompress(compressed) == SCRIPT
    assert web_page.assets["inter.woff2"].compressed is None


def test_addresses_of_the_shell_stand_below_the_root_path(static: Path) -> None:
    shell = loaded(static, "/apps/demijohn/").shell.content
    assert b'content="/apps/demijohn/dashboard"' in shell
    assert b'src="/apps/demijohn/dashboard/assets/app-1f.js"' in shell


def test_nothing_was_built_without_an_index(tmp_path: Path) -> None:
    assert load_web_page("", tmp_path) is None


async def test_only_built_files_are_served(service: Service) -> None:
    for name in ("nothing.js", "../shell.py", "%2e%2e/shell.py", ""):
        assert (await service.http.get(f"/dashboard/assets/{name}")).status_code == 404


async def test_every_page_says_how_to_build_it_while_it_is_not_built(service: Service) -> None:
    for address in ("/dashboard", *ADDRESSES):
        path = address.replace("{", "").replace("}", "")
        page = await service.http.get(path, headers={"accept": "text/html"})
        assert page.status_code == 200, path
        assert "make ui" in page.text, path
