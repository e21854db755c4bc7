"""Small pieces of HTML. Everything that is put between tags is escaped here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

CHIPS = {
    "ok": "ok",
    "running": "ok",
    "stable": "ok",
    "delivered": "ok",
    "degraded": "warn",
    "draining": "warn",
    "joining": "warn",
    "paused": "warn",
    "rebalancing": "warn",
    "unknown": "warn",
    "waiting_for_topics": "warn",
    "failed": "bad",
    "retrying": "bad",
    "unhealthy": "bad",
}


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def text(value: Any) -> Html:
    """`value` as it may stand between tags or in a quoted attribute."""
    return value if isinstance(value, Html) else Html(escape(str(value), quote=True))


def join(pieces: Iterable[Html]) -> Html:
    return Html("".join(pieces))


def tag(name: str, *content: Any, **attributes: str) -> Html:
    """`<name attributes>content</name>`; `class_` is written for `class`, `_` for `-`."""
    written = "".join(f' {key.rstrip("_").replace("_", "-")}="{text(value)}"' for key, value in attributes.items())
    return Html(f"<{name}{written}>{join(text(piece) for piece in content)}</{name}>")


def chip(state: str) -> Html:
    """A state: a word, with a colour."""
    return tag("span", state.replace("_", " "), class_=f"chip {CHIPS.get(state, 'idle')}")


def tile(name: str, value: Any, unit: str, note: str) -> Html:
    return tag(
        "div",
        tag("span", name, class_="k"),
        tag("span", value, tag("small", unit), class_="v"),
        tag("span", note, class_="n"),
        class_="tile",
    )


def table(caption: str, columns: Sequence[tuple[str, bool]], rows: Iterable[Sequence[Any]], empty: str) -> Html:
    """A panel with a table; `columns` are (heading, whether numbers stand in it)."""
    head = join(tag("th", heading, scope="col", **_number(numeric)) for heading, numeric in columns)
    body = [
        tag("tr", *(tag("td", cell, **_number(numeric)) for cell, (_, numeric) in zip(row, columns, strict=True)))
        for row in rows
    ]
    content = (
        tag("div", tag("table", tag("thead", tag("tr", head)), tag("tbody", *body)), class_="scroll", tabindex="0")
        if body
        else tag("p", empty, class_="empty")
    )
    return tag("section", tag("h2", caption), content, class_="panel")


def _number(numeric: bool) -> dict[str, str]:
    return {"class_": "num"} if numeric else {}


def number(value: float | None, digits: int = 0) -> str:
    """With thousands separated; a dash where it is not known."""
    return "–" if value is None else f"{value:,.{digits}f}"


def counted(count: int, thing: str) -> str:
    """`1 partition`, `2 partitions`."""
    return f"{number(count)} {thing}{'' if count == 1 else 's'}"


def duration(seconds: float | None) -> str:
    """For people: `0.2 s`, `3 min`, `2 h`; a dash where it is not known."""
    if seconds is None:
        return "–"
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.1f} s"


def size(size_bytes: float | None) -> str:
    """For people: `94 MB`; a dash where it is not known."""
    if size_bytes is None:
        return "–"
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size_bytes >= scale:
            return f"{size_bytes / scale:.1f} {unit}"
    return f"{size_bytes:.0f} B"


def document(title: str, head: Html, *body: Any) -> bytes:
    """A whole page. `head` is added to what every page has there."""
    page = tag(
        "html",
        tag(
            "head",
            Html('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
            head,
            tag("title", f"{title} · Demijohn"),
            Html('<link rel="stylesheet" href="/dashboard/page.css">'),
            Html('<link rel="icon" type="image/svg+xml" href="/dashboard/icon.svg">'),
        ),
        tag("body", *body),
        lang="en",
    )
    return b"<!doctype html>" + page.encode("utf-8")


def with_root(page: bytes, root: str) -> bytes:
    """The page with every link that begins with a slash below `root`. In text a quote is escaped, so that only links
    look like links."""
    return page.replace(b' href="/', f' href="{root}/'.encode("ascii")) if root else page


def page_header(current: str, *status: Any) -> Html:
    """The bar at the top of every page."""
    links = (("Overview", "/dashboard"), ("API", "/docs"), ("Metrics", "/metrics"))
    marked = [
        tag("a", name, href=path, **({"aria_current": "page"} if name == current else {})) for name, path in links
    ]
    return tag("header", tag("a", "Demijohn", class_="logo", href="/dashboard"), *status, tag("nav", *marked))
