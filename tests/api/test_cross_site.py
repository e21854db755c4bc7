"""Pages of other sites: what a browser is told that they may do, in the fast lane and on ordinary routes alike."""

from __future__ import annotations

import httpx
import pytest

from tests.api.conftest import MakeService
from tests.api.key_files import KeyFile
from tests.api.service import Service

PAGE = "https://shop.example"
MESSAGE = {"topic": "example", "payload": 1}


@pytest.fixture
def shared(make_either: MakeService) -> Service:
    """A service that pages of PAGE may call."""
    return make_either(http_cors_origins=f" {PAGE} , http://127.0.0.1:5173")


async def ask(service: Service, path: str, *, origin: str = PAGE, method: str = "POST", **more: str) -> httpx.Response:
    """A preflight."""
    named = {name.replace("_", "-"): value for name, value in more.items()}
    return await service.http.options(
        path, headers={"origin": origin, "access-control-request-method": method, **named}
    )


@pytest.mark.parametrize("path", ["/produce", "/produce/batch", "/produce/example"])
async def test_a_page_that_is_named_may_produce_and_read_the_answer(shared: Service, path: str) -> None:
    allowed = await ask(shared, path, access_control_request_headers="content-type,x-api-key")
    assert (allowed.status_code, allowed.content) == (200, b"")
    assert allowed.headers["access-control-allow-origin"] == PAGE
    assert allowed.headers["access-control-allow-methods"] == "POST"
    assert allowed.headers["access-control-allow-headers"] == "content-type,x-api-key"
    assert allowed.headers["access-control-max-age"] == "600"
    for body in ({"messages": [MESSAGE], **MESSAGE}, MESSAGE):
        response = await shared.http.post(path, json=body, headers={"origin": PAGE})
        assert response.headers["access-control-allow-origin"] == PAGE
        assert "X-Request-ID" in response.headers["access-control-expose-headers"]
        assert "origin" in response.headers["vary"].lower()
        assert "access-control-allow-credentials" not in response.headers


async def test_ordinary_routes_are_shared_too_and_their_refusals_can_be_read(shared: Service) -> None:
    for path, status in (("/health/live", 200), ("/dashboard", 200), ("/nothing", 404), ("/receipts/x", 404)):
        response = await shared.http.get(path, headers={"origin": PAGE})
        assert (response.status_code, response.headers["access-control-allow-origin"]) == (status, PAGE)
    assert (await ask(shared, "/dashboard", method="GET")).headers["access-control-allow-methods"] == "GET, HEAD"


async def test_another_origin_or_method_is_forbidden(shared: Service) -> None:
    for response in (
        await ask(shared, "/produce", origin="https://evil.example"),
        await ask(shared, "/produce", origin="null"),
        await ask(shared, "/produce", origin=PAGE + ".evil.example"),
        await ask(shared, "/produce", method="DELETE"),
        await ask(shared, "/produce", method="BREW"),
        await ask(shared, "/dashboard", method="POST"),
    ):
        assert (response.status_code, response.json()["code"]) == (403, "forbidden")
        assert "access-control-allow-methods" not in response.headers
    stranger = await shared.http.post("/produce", json=MESSAGE, headers={"origin": "https://evil.example"})
    assert stranger.status_code == 403
    assert "access-control-allow-origin" not in stranger.headers
    assert stranger.headers["vary"] == "Origin"


async def test_a_preflight_of_a_path_that_does_not_exist_is_404(shared: Service) -> None:
    assert (await ask(shared, "/nothing")).status_code == 404


async def test_by_default_no_page_is_let_in(either: Service) -> None:
    response = await ask(either, "/produce")
    assert (response.status_code, response.json()["code"]) == (403, "forbidden")
    answer = await either.http.get("/dashboard", headers={"origin": PAGE})
    assert "access-control-allow-origin" not in answer.headers


async def test_a_preflight_comes_without_a_key_and_the_call_needs_one(
    make_either: MakeService, key_file: KeyFile
) -> None:
    key_file.write({"shop": {}})
    service = make_either(http_cors_origins=PAGE, http_api_keys_file=str(key_file.path))
    assert (await ask(service, "/produce")).status_code == 200
    refused = await service.http.post("/produce", json=MESSAGE, headers={"origin": PAGE})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, PAGE)
    headers = {"origin": PAGE, **key_file.bearer("shop")}
    assert (await service.http.post("/produce", json=MESSAGE, headers=headers)).status_code == 200


async def test_preflights_name_this_machine_too_where_only_it_may_ask(shared: Service) -> None:
    assert (await ask(shared, "/produce", host="evil.example")).status_code == 403


async def test_odd_names_of_headers_are_not_given_back(shared: Service) -> None:
    response = await ask(shared, "/produce", access_control_request_headers='x"y<z>')
    assert "access-control-allow-headers" not in response.headers
