"""What makes routes of pages: forms by Accept, documents that are shared, problems."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from app.api.problems import Refusal
from app.dashboard.documents import MOST_BYTES, Documents
from app.dashboard.html import html_of
from app.dashboard.pages import Page, Pages
from app.dashboard.queries import Query, TableSpec
from app.errors import KafkaUnavailable
from app.events import ErrorOccurred
from tests.api.conftest import MakeService
from tests.api.key_files import KeyFile
from tests.api.service import Service
from tests.dashboard.viewer import Viewer

JSON = {"accept": "application/json"}
CSV = {"accept": "text/csv"}
SPEC = TableSpec(("name", "size"), "name")


def register(service: Service, *pages: Page) -> None:
    """Adds pages to a service."""
    show_html = html_of(None, service.snapshot)
    Pages(service.application, service.application.admission.refusing, service.monitor, show_html).add(*pages)


def things(query: Query) -> Mapping[str, Any]:
    rows = [{"name": f"{query.path['kind']}-{number}", "size": number} for number in range(150)]
    return {"table": query.table(rows), "only": query.filters.get("only")}


@pytest.fixture
def things_of(service: Service) -> Service:
    register(service, Page("/dashboard/things/{kind}", "Things", things, SPEC, filters=("only",)))
    return service


async def test_a_page_is_json_html_or_csv_as_asked(things_of: Service) -> None:
    get = things_of.http.get
    document = await get("/dashboard/things/a?per_page=2&only=x", headers=JSON)
    assert [row["size"] for row in document.json()["table"]["rows"]] == [0, 1]
    assert (document.json()["only"], document.headers["vary"]) == ("x", "Accept")
    page = await get("/dashboard/things/a?whatever=the+page+itself+reads", headers={"accept": "text/html"})
    assert page.headers["content-type"].startswith("text/html")
    assert "make ui" in page.text
    rows = await get("/dashboard/things/a?q=1", headers=CSV)
    assert rows.headers["content-disposition"] == 'attachment; filename="dashboard-things-a.csv"'
    assert rows.text.splitlines()[:3] == ["name,size", "a-1,1", "a-10,10"]


async def test_csv_has_every_matching_row_and_no_pages(things_of: Service) -> None:
    rows = await things_of.http.get("/dashboard/things/a?page=2&per_page=10", headers=CSV)
    assert len(rows.text.splitlines()) == 151


async def test_what_a_page_does_not_know_is_refused(things_of: Service) -> None:
    for path, parameter in (("/dashboard/things/a?x=1", "x"), ("/dashboard?x=1", "x"), ("/dashboard?q=1", "q")):
        refused = await things_of.http.get(path, headers=JSON)
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_parameter")
        assert refused.json()["errors"][0]["path"] == f"query.{parameter}"
    picture = await things_of.http.get("/dashboard/things/a", headers={"accept": "image/png"})
    assert (picture.status_code, picture.json()["code"]) == (406, "not_acceptable")


async def test_a_page_without_a_table_is_no_csv(service: Service) -> None:
    assert (await service.http.get("/dashboard", headers=CSV)).status_code == 406


async def test_data_without_a_page_is_no_html(service: Service) -> None:
    refused = await service.http.get("/dashboard/api/me", headers={"accept": "text/html"})
    assert refused.status_code == 406


async def test_kafka_away_is_503_where_a_document_needs_it(service: Service) -> None:
    async def build(_: Query) -> Mapping[str, Any]:
        raise KafkaUnavailable("no broker answers")

    register(service, Page("/dashboard/far", "Far", build))
    answer = await service.http.get("/dashboard/far", headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (503, "broker_unavailable")


async def test_who_asks_sees_what_happened_before(service: Service) -> None:
    count = 0

    def build(_: Query) -> Mapping[str, Any]:
        return {"count": count}

    register(service, Page("/dashboard/counted", "Counted", build))
    for count in (1, 2, 3):
        assert (await service.http.get("/dashboard/counted", headers=JSON)).json() == {"count": count}


async def test_callers_at_the_same_time_share_the_work() -> None:
    documents, built, go_on = Documents(), 0, asyncio.Event()

    async def build() -> Mapping[str, Any]:
        nonlocal built
        built += 1
        await go_on.wait()
        return {"built": built}

    first = asyncio.ensure_future(documents.body("a", build, 0))
    await asyncio.sleep(0)
    later = [asyncio.ensure_future(documents.body("a", build, 0)) for _ in range(20)]
    await asyncio.sleep(0)
    go_on.set()
    assert await first == b'{"built":1}'
    assert set(await asyncio.gather(*later)) == {b'{"built":2}'}
    assert await documents.body("a", build, 60) == b'{"built":2}'
    assert await documents.body("b", build, 60) == b'{"built":3}'


async def test_a_failed_document_is_tried_again() -> None:
    documents, failures = Documents(), [ValueError("once")]

    def build() -> Mapping[str, Any]:
        if failures:
            raise failures.pop()
        return {"here": True}

    with pytest.raises(ValueError, match="once"):
        await documents.body("a", build, 60)
    assert await documents.body("a", build, 60) == b'{"here":true}'


async def test_documents_that_nobody_asks_for_any_more_are_forgotten() -> None:
    documents = Documents()
    for number in range(1000):
        await documents.body(number, dict, 0)
    assert len(documents._kept) == 256


async def test_documents_take_bounded_memory_however_large_they_are() -> None:
    documents = Documents()
    for number in range(100):
        body = await documents.body(number % 90, lambda: {"text": "x" * 1_000_000}, 0)
        assert len(body) > 1_000_000
    kept = [entry.body for entry in documents._kept.values()]
    assert sum(map(len, kept)) == documents._bytes <= MOST_BYTES
    assert len(await documents.body("huge", lambda: {"text": "x" * (MOST_BYTES + 1)}, 0)) > MOST_BYTES
    assert len(documents._kept) == 1


async def test_viewers_get_a_document_that_was_built_once(service: Service) -> None:
    built = 0

    def build(_: Query) -> Mapping[str, Any]:
        nonlocal built
        built += 1
        return {"built": built}

    register(service, Page("/dashboard/seen", "Seen", build))
    viewers = [Viewer(service, "/dashboard/seen?refresh=2") for _ in range(10)]
    for viewer in viewers:
        await viewer.until_events(2)
        await viewer.leave()
    assert built <= 3, "once at first, once for each moment of refreshing"


async def test_a_stream_tells_of_a_failure_and_goes_on(service: Service) -> None:
    faults: list[Exception] = [Refusal("broker_unavailable", "no broker answers"), OSError("a secret of the inside")]
    told: list[ErrorOccurred] = []
    service.monitor.subscribe(ErrorOccurred, told.append)

    def build(_: Query) -> Mapping[str, Any]:
        if faults:
            raise faults.pop()
        return {"fine": True}

    register(service, Page("/dashboard/frail", "Frail", build))
    viewer = Viewer(service, "/dashboard/frail?refresh=2")
    mistake, away, document = await viewer.until_events(3)
    assert (mistake.name, mistake.data["code"]) == ("problem", "internal_error")
    assert "secret" not in viewer.text
    assert [event.kind for event in told] == ["dashboard.build"]
    assert (away.name, away.data["code"]) == ("problem", "broker_unavailable")
    assert (document.name, document.data) == ("document", {"fine": True})
    await viewer.leave()


@pytest.mark.parametrize("refresh", ["1", "off", "0", "x"])
async def test_a_stream_comes_every_2_5_or_10_seconds_only(service: Service, refresh: str) -> None:
    refused = await service.http.get(f"/dashboard?refresh={refresh}", headers={"accept": "text/event-stream"})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_parameter")


async def test_without_keys_everybody_reads_and_produces_and_nobody_acts(service: Service) -> None:
    me = (await service.http.get("/dashboard/api/me")).json()
    assert (me["key"], me["roles"], me["topics"], me["instance"]) == (None, ["produce", "read"], None, "host:1:ab")
    assert me["produce"] == {"allowed": True, "why_not": None}
    assert me["actions"]["allowed"] is False
    assert me["actions"]["why_not"]


async def test_a_key_is_told_its_own_rights(make_service: MakeService, key_file: KeyFile) -> None:
    key_file.write({"reader": {"roles": ["read"]}, "admin": {"roles": ["admin"]}})
    service = make_service(http_api_keys_file=str(key_file.path))
    documents = [
        (await service.http.get("/dashboard/api/me", headers={"x-api-key": key_file.secrets[name]})).json()
        for name in ("reader", "admin")
    ]
    assert [document["key"] for document in documents] == ["reader", "admin"]
    assert [document["produce"]["allowed"] for document in documents] == [False, True]
    assert [document["actions"]["allowed"] for document in documents] == [False, True]
