"""Keys and roles hold in the fast lane and on the ordinary routes alike."""

from __future__ import annotations

import base64

import httpx
import pytest

from app.api.access import is_open, roles_for
from app.api.calls import RouteInfo
from tests.api.conftest import MakeService
from tests.api.key_files import KeyFile
from tests.api.service import Service

MESSAGE = {"topic": "example", "payload": 1}
KEYS = {
    "sender": {"roles": ["produce"], "topics": ["exam*"]},
    "reader": {"roles": ["read"]},
    "boss": {"roles": ["admin"]},
}


@pytest.fixture
def guarded(make_either: MakeService, key_file: KeyFile) -> Service:
    """A service with the keys of KEYS."""
    key_file.write(KEYS)
    return make_either(http_api_keys_file=str(key_file.path))


def basic(name: str, secret: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()}


PATHS = [
    ("POST", "/produce"),
    ("POST", "/produce/batch"),
    ("GET", "/receipts/x"),
    ("GET", "/dashboard"),
    ("GET", "/dashboard/page.css"),
    ("GET", "/docs"),
    ("GET", "/openapi.json"),
    ("GET", "/metrics"),
    ("GET", "/"),
]


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_without_a_key_there_is_no_entry(guarded: Service, method: str, path: str) -> None:
    response = await guarded.http.request(method, path, json=MESSAGE)
    assert response.status_code == 401
    assert (response.json()["code"], response.json()["retriable"]) == ("unauthorized", False)
    assert response.headers.get_list("www-authenticate") == [
        'Bearer realm="demijohn"',
        'Basic realm="demijohn", charset="UTF-8"',
    ]
    assert guarded.kafka.records("example") == []


async def test_health_is_open_and_nothing_is_said_of_paths_that_do_not_exist(guarded: Service) -> None:
    assert (await guarded.http.get("/health/live")).status_code == 200
    assert (await guarded.http.get("/health/ready")).status_code == 200
    assert (await guarded.http.get("/nothing")).status_code == 404
    assert (await guarded.http.put("/produce")).status_code == 405


async def test_metrics_are_open_where_that_is_wished(make_either: MakeService, key_file: KeyFile) -> None:
    key_file.write(KEYS)
    service = make_either(http_api_keys_file=str(key_file.path), http_open_metrics=True)
    assert (await service.http.get("/metrics")).status_code == 200
    assert (await service.http.get("/dashboard")).status_code == 401


async def test_a_key_is_shown_in_any_of_three_ways(guarded: Service, key_file: KeyFile) -> None:
    secret = key_file.secrets["sender"]
    ways = [
        {"authorization": f"Bearer {secret}"},
        {"authorization": f"bearer  {secret}"},
        {"x-api-key": secret},
        {"x-api-key": secret, "authorization": "Basic c29tZTpwcm94eQ=="},
        basic("sender", secret),
    ]
    for headers in ways:
        for _ in range(2):
            assert (await guarded.http.post("/produce", json=MESSAGE, headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer sender.wrong"},
        {"authorization": "Bearer nobody.x"},
        {"authorization": "Bearer \xff\xfe"},
        {"authorization": "Basic !!"},
        {"authorization": "Basic /w=="},
        {"authorization": "Negotiate x"},
        {"x-api-key": ""},
        {"x-api-key": "sender"},
        basic("sender", ""),
        basic("", "sender.wrong"),
    ],
)
async def test_a_wrong_key_is_refused_every_time(guarded: Service, headers: dict[str, str]) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    for _ in range(2):
        response = await guarded.http.post("/produce", json=MESSAGE, headers=httpx.Headers(raw))
        assert (response.status_code, response.json()["code"]) == (401, "unauthorized")


async def test_one_keys_secret_does_not_open_another(guarded: Service, key_file: KeyFile) -> None:
    response = await guarded.http.get("/dashboard", headers=basic("reader", key_file.secrets["sender"]))
    assert response.status_code == 401


async def test_a_role_opens_its_routes_only(guarded: Service, key_file: KeyFile) -> None:
    allowed = {
        "sender": ["/produce", "/produce/batch", "/receipts/x"],
        "reader": ["/receipts/x", "/dashboard", "/dashboard/page.css", "/docs", "/openapi.json", "/metrics", "/"],
        "boss": [path for _, path in PATHS],
    }
    for name, opens in allowed.items():
        for method, path in PATHS:
            response = await guarded.http.request(method, path, json=MESSAGE, headers=key_file.bearer(name))
            assert (response.status_code == 403) == (path not in opens), (name, path)
            if response.status_code == 403:
                assert response.json()["code"] == "forbidden"
                assert name in response.json()["detail"]


def test_routes_that_write_other_things_than_messages_are_for_admins() -> None:
    assert roles_for(RouteInfo("/dashboard/pause", writes=True)) == ()
    assert not is_open(RouteInfo("/metrics"), open_metrics=False)


async def test_a_key_reaches_its_topics_only(guarded: Service, key_file: KeyFile) -> None:
    response = await guarded.http.post(
        "/produce", json={"topic": "other", "payload": 1}, headers=key_file.bearer("sender")
    )
    assert (response.status_code, response.json()["code"]) == (403, "topic_forbidden")
    assert "sender" in response.json()["detail"]
    body = {"messages": [{"topic": "other", "payload": 1}, MESSAGE]}
    batch = await guarded.http.post("/produce/batch", json=body, headers=key_file.bearer("sender"))
    assert batch.status_code == 207
    assert [result.get("code") for result in batch.json()["results"]] == ["topic_forbidden", None]
    own = await guarded.http.post(
        "/produce", json={"topic": "example.dlq", "payload": 1}, headers=key_file.bearer("boss")
    )
    assert own.json()["code"] == "topic_forbidden"


async def test_the_key_is_asked_for_before_the_body_is_looked_at(guarded: Service, key_file: KeyFile) -> None:
    broken = {"content": b"{", "headers": {"content-type": "text/plain"}}
    assert (await guarded.http.post("/produce", **broken)).status_code == 401  # type: ignore[arg-type]  # one of many
    headers = {"content-type": "text/plain", **key_file.bearer("reader")}
    assert (await guarded.http.post("/produce", content=b"{", headers=headers)).status_code == 403


async def test_a_rate_is_counted_in_messages(make_either: MakeService, key_file: KeyFile) -> None:
    key_file.write({"sender": {"rate": "5/h"}, "other": {}})
    service = make_either(http_api_keys_file=str(key_file.path))
    headers = key_file.bearer("sender")
    body = {"messages": [MESSAGE] * 3}
    assert (await service.http.post("/produce/batch", json=body, headers=headers)).status_code == 200
    refused = await service.http.post("/produce/batch", json=body, headers=headers)
    assert (refused.status_code, refused.json()["code"], refused.json()["retriable"]) == (429, "rate_limited", True)
    assert refused.headers["ratelimit-limit"] == "5"
    assert refused.headers["ratelimit-remaining"] == "2"
    assert int(refused.headers["retry-after"]) > 0
    assert int(refused.headers["ratelimit-reset"]) > 0
    for query in ("", "?mode=async"):
        assert (await service.http.post(f"/produce{query}", json=MESSAGE, headers=headers)).is_success
    response = await service.http.post("/produce", content=b"", headers=headers)
    assert response.status_code == 429
    assert len(service.kafka.records("example")) <= 5
    assert (await service.http.post("/produce", json=MESSAGE, headers=key_file.bearer("other"))).status_code == 200


async def test_a_batch_of_more_messages_than_the_rate_never_passes(make_either: MakeService, key_file: KeyFile) -> None:
    key_file.write({"sender": {"rate": "2/h"}})
    service = make_either(http_api_keys_file=str(key_file.path))
    headers = key_file.bearer("sender")
    refused = await service.http.post("/produce/batch", json={"messages": [MESSAGE] * 3}, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert "has 3 messages, more than the 2" in refused.json()["detail"]
    assert refused.headers["ratelimit-remaining"] == "2"
    assert service.kafka.records("example") == []
    passed = await service.http.post("/produce/batch", json={"messages": [MESSAGE] * 2}, headers=headers)
    assert passed.status_code == 200


async def test_listening_to_strangers_without_keys_is_warned_about(
    make_service: MakeService, key_file: KeyFile
) -> None:
    key_file.write(KEYS)

    def notes(service: Service) -> list[str]:
        return [note["code"] for note in service.snapshot.document()["service"]["notes"]]

    assert notes(make_service()) == []
    assert notes(make_service(http_host="0.0.0.0")) == ["no_api_keys"]
    assert notes(make_service(http_host="0.0.0.0", http_api_keys_file=str(key_file.path))) == []
