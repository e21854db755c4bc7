"""HTTP_ROOT_PATH: behind an ingress that keeps the prefix, and behind one that strips it, every address is right."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from starlette.routing import Route

from app.api.paths import below_root, with_whole_names
from app.settings import OWN_PATHS
from tests.api.conftest import MakeService
from tests.api.key_files import KeyFile
from tests.api.service import Service, until

ROOT = "/sales/demijohn"
MESSAGE = {"topic": "example", "payload": 1}


@pytest.fixture(params=["", ROOT], ids=["stripped", "kept"])
def prefix(request: pytest.FixtureRequest) -> str:
    """What the ingress leaves of the prefix."""
    return str(request.param)


@pytest.fixture
def rooted(make_either: MakeService) -> Service:
    return make_either(http_root_path=ROOT)


@pytest.mark.parametrize(
    ("path", "below"),
    [
        ("/r/produce", "/produce"),
        ("/produce", "/produce"),
        ("/r", "/"),
        ("/r/", "/"),
        ("/rest", "/rest"),
        ("/r/r/x", "/r/x"),
        ("/", "/"),
    ],
)
def test_the_prefix_is_taken_off_once_where_it_is(path: str, below: str) -> None:
    scope = {"path": path, "raw_path": path.encode(), "method": "GET"}
    assert below_root(scope, "/r") == {
        "path": below,
        "raw_path": below.encode(),
        "root_path": "/r",
        "method": "GET",
    }


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"/produce/a%2Fb", "/produce/a%2Fb"),
        (b"/produce/a%2fb%20c", "/produce/a%2Fb c"),
        (b"/produce/a%252Fb", "as it was"),
        (b"/produce/%C3%A9", "as it was"),
        (b"", "as it was"),
        (None, "as it was"),
    ],
)
def test_an_encoded_slash_stays_encoded(raw: bytes | None, path: str) -> None:
    assert with_whole_names({"path": "as it was", "raw_path": raw})["path"] == path


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/produce", MESSAGE),
        ("/produce/batch", {"messages": [MESSAGE]}),
        ("/produce/example", 1),
        ("/topics/example", {"records": [{"value": 1}]}),
        ("/topics/example/partitions/0", {"records": [{"value": 1}]}),
    ],
)
async def test_messages_are_taken_under_both_paths(rooted: Service, prefix: str, path: str, body: Any) -> None:
    response = await rooted.http.post(prefix + path, json=body)
    assert response.status_code == 200, response.text
    assert len(rooted.kafka.records("example")) == 1


async def test_a_stream_of_lines_is_taken_under_both_paths(rooted: Service, prefix: str) -> None:
    headers = {"content-type": "application/x-ndjson"}
    response = await rooted.http.post(f"{prefix}/produce/batch", content=json.dumps(MESSAGE), headers=headers)
    assert json.loads(response.content)["status"] == "delivered"


async def test_a_receipt_is_where_its_location_says(rooted: Service, prefix: str) -> None:
    response = await rooted.http.post(f"{prefix}/produce?mode=async", json=MESSAGE)
    assert response.headers["location"].startswith(f"{ROOT}/receipts/")
    await until(lambda: rooted.producer.in_flight == 0)
    assert (await rooted.http.get(response.headers["location"])).json()["status"] == "delivered"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/produce", {}),
        ("POST", "/produce/batch", {"messages": [{}]}),
        ("POST", "/produce/batch?atomic=true", {"messages": [{}]}),
        ("PUT", "/produce", {}),
        ("GET", "/nothing", None),
        ("GET", "/receipts/x", None),
        ("GET", "/dashboard", None),
    ],
)
async def test_the_type_of_a_problem_leads_to_its_page(
    rooted: Service, prefix: str, method: str, path: str, body: Any
) -> None:
    response = await rooted.http.request(method, prefix + path, json=body, headers={"accept": "image/png"})
    document = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert document["type"] == f"{ROOT}/docs#{document['code']}"
    if document["code"] == "not_found":
        assert f"{ROOT}/docs lists" in document["detail"]


async def test_health_metrics_and_documents_are_under_both_paths(rooted: Service, prefix: str) -> None:
    for path in ("/health/live", "/health/ready", "/metrics", "/openapi.json", "/asyncapi.json", "/dashboard", "/docs"):
        assert (await rooted.http.get(prefix + path)).status_code == 200
    assert (await rooted.http.get(f"{prefix}/openapi.json")).json()["servers"] == [{"url": ROOT}]
    metrics = (await rooted.http.get(f"{prefix}/metrics")).text
    assert 'route="/health/live"' in metrics
    assert ROOT not in metrics


async def test_ways_to_the_dashboard_lead_there(rooted: Service, prefix: str) -> None:
    for path in ("/", "/karafka/dashboard"):
        response = await rooted.http.get(prefix + path)
        assert (response.status_code, response.headers["location"]) == (307, f"{ROOT}/dashboard")
    assert (await rooted.http.get(ROOT)).headers["location"] == f"{ROOT}/dashboard"


@pytest.mark.parametrize("path", ["/dashboard", "/docs"])
async def test_every_link_of_a_page_bears_the_prefix(rooted: Service, prefix: str, path: str) -> None:
    page = (await rooted.http.get(prefix + path, headers={"accept": "text/html"})).text
    links: list[str] = re.findall(r'(?:href|src|content)="(/[^"]*)"', page)
    assert len(links) >= 5
    assert all(link.startswith(f"{ROOT}/") for link in links)
    for link in links:
        assert (await rooted.http.get(link)).status_code == 200


async def test_keys_are_asked_for_under_both_paths(make_either: MakeService, key_file: KeyFile, prefix: str) -> None:
    key_file.write({"sender": {}})
    service = make_either(http_root_path=ROOT, http_api_keys_file=str(key_file.path))
    assert (await service.http.post(f"{prefix}/produce", json=MESSAGE)).status_code == 401
    assert (await service.http.get(f"{prefix}/dashboard")).status_code == 401
    assert (await service.http.get(f"{prefix}/health/live")).status_code == 200
    answered = await service.http.post(f"{prefix}/produce", json=MESSAGE, headers=key_file.bearer("sender"))
    assert answered.status_code == 200


async def test_without_a_root_path_a_prefix_leads_nowhere(service: Service) -> None:
    assert (await service.http.post(f"{ROOT}/produce", json=MESSAGE)).status_code == 404
    assert "servers" not in (await service.http.get("/openapi.json")).json()


def test_no_prefix_may_begin_as_a_path_of_the_service(service: Service) -> None:
    first = {route.path.split("/")[1] for route in service.application.routes if isinstance(route, Route)}
    assert first - {""} == OWN_PATHS
