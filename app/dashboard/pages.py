"""Pages as data, and what makes routes of them: each is JSON, a web page, a stream or CSV, by Accept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response

from app.api.calls import Call
from app.api.problems import Refusal, problem
from app.api.replies import CALL
from app.dashboard.csv_rows import csv_of
from app.dashboard.documents import Document, Documents
from app.dashboard.event_stream import Events, Streams, event
from app.dashboard.negotiation import CSV, EVENTS, HTML, JSON, preferred
from app.dashboard.page_headers import PAGE_HEADERS
from app.dashboard.queries import TABLE_PARAMETERS, Query, TableSpec, invalid, read_parameters, read_rows
from app.errors import Fault, KafkaUnavailable
from app.events import ErrorOccurred, Monitor

API = "/dashboard/api/"
REFRESH = "refresh"
REFRESH_S = ("2", "5", "10")
DEFAULT_REFRESH = "5"
SHARED_AGE_S = 1.0
"""The first document that a viewer gets may be as old as this; later ones are made anew for all viewers at once."""
EARLY_S = 0.05

Build = Callable[[Query], Document | Awaitable[Document]]
ShowHtml = Callable[[Request], Response]


@dataclass(frozen=True, slots=True)
class Page:
    """One page, or one document below `/dashboard/api/` that no page of its own shows.

    `build` gives the document of the moment; what it raises becomes a problem. `filters` are the query parameters that
    it looks at, besides those of its `table`. `personal`: the document depends on the caller's key.
    """

    path: str
    title: str
    build: Build
    table: TableSpec | None = None
    filters: tuple[str, ...] = ()
    personal: bool = False
    description: Mapping[str, Any] | None = None
    """What the OpenAPI document says of it; None: it is not there."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """Every query parameter that the page knows."""
        return (*self.filters, *(TABLE_PARAMETERS if self.table else ()), REFRESH)


@dataclass(frozen=True, slots=True)
class Stream:
    """Events below `/dashboard/api/` that are not documents; `open` may raise Refusal before the first."""

    path: str
    open: Callable[[Query], Events]
    filters: tuple[str, ...] = ()


class Pages:
    """Registers pages. `show_html` gives the web page of any address."""

    def __init__(self, application: FastAPI, draining: asyncio.Event, monitor: Monitor, show_html: ShowHtml) -> None:
        self._application = application
        self._monitor = monitor
        self._show_html = show_html
        self._documents = Documents()
        self._streams = Streams(draining, monitor)

    def add(self, *pages: Page) -> None:
        """Makes a route of each page."""
        for page in pages:
            self._route(page.path, partial(self._answer, page), page.description)

    def add_stream(self, stream: Stream) -> None:
        """Makes a route of a stream."""
        self._route(stream.path, partial(self._open, stream))

    def add_html(self, *paths: str) -> None:
        """Addresses at which there is only the web page."""
        for path in paths:
            self._route(path, self._only_html)

    def _route(
        self,
        path: str,
        answer: Callable[[Request], Awaitable[Response]],
        description: Mapping[str, Any] | None = None,
    ) -> None:
        async def endpoint(request: Request) -> Response:
            return await answer(request)

        described = {"include_in_schema": False} if description is None else dict(description)
        self._application.add_api_route(path, endpoint, methods=["GET"], response_class=Response, **described)

    async def _only_html(self, request: Request) -> Response:
        _form(request, (HTML,))
        return self._show_html(request)

    async def _answer(self, page: Page, request: Request) -> Response:
        form = _form(request, _offered(page))
        if form == HTML:
            return self._show_html(request)
        call: Call = request.scope[CALL]
        given = read_parameters(call.query, page.parameters)
        query = _query(page, request, call, given, paged=form != CSV)
        if form == EVENTS:
            return self._stream(page, query, call, given)
        if form == CSV and page.table is not None:
            return await _csv(page, page.table, query)
        body = await self._body(page, query, max_age_s=0.0)
        return Response(body, media_type=JSON, headers={**PAGE_HEADERS, "vary": "Accept"})

    async def _body(self, page: Page, query: Query, max_age_s: float) -> bytes:
        """Raises Refusal."""
        identity = (page.path, tuple(query.path.items()), tuple(sorted(query.filters.items())), query.rows)
        name = query.key.name if page.personal and query.key is not None else None
        try:
            return await self._documents.body((*identity, name), lambda: page.build(query), max_age_s)
        except KafkaUnavailable as error:
            raise Refusal("broker_unavailable", str(error)) from error

    def _stream(self, page: Page, query: Query, call: Call, given: Mapping[str, str]) -> Response:
        refresh = given.get(REFRESH, DEFAULT_REFRESH)
        if refresh not in REFRESH_S:
            raise invalid([Fault(f"query.{REFRESH}", f"must be one of {', '.join(REFRESH_S)} seconds")])
        return self._events(self._documents_of(page, query, call.request_id, int(refresh)), call)

    async def _open(self, stream: Stream, request: Request) -> Response:
        _form(request, (EVENTS,))
        call: Call = request.scope[CALL]
        filters = read_parameters(call.query, stream.filters)
        return self._events(stream.open(Query(dict(request.path_params), filters, key=call.key)), call)

    def _events(self, events: Events, call: Call) -> Response:
        headers = {**PAGE_HEADERS, "vary": "Accept", "x-accel-buffering": "no"}
        if call.method == "HEAD":
            return Response(media_type=EVENTS, headers=headers)
        return self._streams.response(events, headers.items())

    async def _documents_of(self, page: Page, query: Query, request_id: str, refresh_s: int) -> Events:
        """The document at once, then at the same moments for all viewers."""
        tick, max_age_s = 0.0, SHARED_AGE_S
        while True:
            try:
                yield event("document", await self._body(page, query, max_age_s))
            except Exception as error:  # what builds it is not ours alone, and viewers should see it come back
                yield event("problem", orjson.dumps(self._problem(error, request_id)))
            tick = (max(time.monotonic(), tick) // refresh_s + 1) * refresh_s
            await asyncio.sleep(tick - time.monotonic())
            max_age_s = time.monotonic() - tick + EARLY_S

    def _problem(self, error: Exception, request_id: str) -> Mapping[str, Any]:
        root = self._application.root_path
        if isinstance(error, Refusal):
            return problem(error.code, error.detail, request_id, error.faults, root=root)
        self._monitor.emit(ErrorOccurred("dashboard.build", error))
        return problem("internal_error", "The service could not make this document", request_id, root=root)


def _offered(page: Page) -> tuple[str, ...]:
    if page.path.startswith(API):
        return (JSON, EVENTS) if page.table is None else (JSON, EVENTS, CSV)
    return (JSON, HTML, EVENTS) if page.table is None else (JSON, HTML, EVENTS, CSV)


def _form(request: Request, offered: tuple[str, ...]) -> str:
    form = preferred(",".join(request.headers.getlist("accept")), offered)
    if form is None:
        raise Refusal("not_acceptable", f"This is there as {' and as '.join(offered)}")
    return form


def _query(page: Page, request: Request, call: Call, given: Mapping[str, str], *, paged: bool) -> Query:
    filters = {name: value for name, value in given.items() if name in page.filters}
    query = Query(dict(request.path_params), filters, key=call.key)
    return query if page.table is None else replace(query, rows=read_rows(given, page.table, paged=paged))


async def _csv(page: Page, spec: TableSpec, query: Query) -> Response:
    built = page.build(query)
    document = built if isinstance(built, Mapping) else await built
    name = "-".join((*page.path.split("/{")[0].strip("/").split("/"), *query.path.values()))
    safe = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-._") else "_" for letter in name)
    headers = {**PAGE_HEADERS, "vary": "Accept", "content-disposition": f'attachment; filename="{safe}.csv"'}
    body = await asyncio.to_thread(csv_of, spec.columns, document[spec.member]["rows"])
    return Response(body, media_type=f"{CSV}; charset=utf-8", headers=headers)
