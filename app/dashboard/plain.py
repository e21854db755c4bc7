"""Pages for browsers while the web page is not built: plain HTML, which says how to build it."""

from __future__ import annotations

from app.dashboard.markup import Html, document, page_header, tag

HOW_TO_BUILD = "The web page is not built: make ui builds it, then start the service again."


def plain_page(title: str, path: str) -> bytes:
    """What stands at the address of a page that only the built web page can show."""
    as_json = tag("p", "Its data as JSON: ask for application/json at ", tag("code", path), ".")
    body = tag("section", tag("h1", title), tag("p", HOW_TO_BUILD), as_json, class_="panel operation")
    return document(title, Html(""), page_header(title), tag("main", body))
