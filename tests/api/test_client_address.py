"""Whose address counts, and what each may send."""

from __future__ import annotations

from typing import Any

import pytest

from app.api import client_address
from app.api.calls import Call, RouteInfo
from app.api.client_address import AddressRates, ClientAddresses
from app.api.rates import Rate
from tests.api.conftest import MakeService
from tests.api.service import Service

MESSAGE = {"topic": "example", "payload": 1}


async def _receive() -> dict[str, Any]:
    raise NotImplementedError


def call(peer: str | None, forwarded: str | None = None) -> Call:
    raw = [] if forwarded is None else [(b"x-forwarded-for", forwarded.encode("latin-1"))]
    client = None if peer is None else (peer, 1234)
    scope = {"method": "POST", "path": "/produce", "headers": raw, "client": client}
    return Call(RouteInfo("/produce"), scope, _receive)


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "1.2.3.4, 10.0.0.2", "1.2.3.4"),
        ("10.0.0.1", "1.2.3.4,10.0.0.2:8080", "1.2.3.4"),
        ("10.0.0.1", "6.6.6.6, 192.168.0.9, 10.0.0.2", "192.168.0.9"),
        ("10.0.0.1", "1.2.3.4, nonsense, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "\xff", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "[2001:db8::1]:443", "2001:db8::/64"),
        ("::ffff:10.0.0.1", "1.2.3.4", "1.2.3.4"),
        ("2001:db8:0:1::9", "1.2.3.4", "1.2.3.4"),
        ("2001:db8:0:2::9", "1.2.3.4", "2001:db8:0:2::/64"),
        ("9.9.9.9", "1.2.3.4", "9.9.9.9"),
        ("fe80::1%eth0", None, "fe80::/64"),
        ("testclient", "1.2.3.4", "unknown"),
        (None, "1.2.3.4", "unknown"),
    ],
)
def test_only_what_trusted_proxies_wrote_is_believed(peer: str | None, forwarded: str | None, client: str) -> None:
    addresses = ClientAddresses("10.0.0.0/8, 2001:db8:0:1::/64")
    assert addresses.of(call(peer, forwarded)) == client


def test_without_trusted_proxies_nothing_is_believed() -> None:
    assert ClientAddresses("").of(call("10.0.0.1", "1.2.3.4")) == "10.0.0.1"


def test_addresses_are_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_address, "MAX_ADDRESSES", 10)
    monkeypatch.setattr(client_address, "FORGOTTEN_AT_ONCE", 2)
    rates = AddressRates(Rate(2, 3600), ClientAddresses(""))
    first = rates.bucket(call("1.1.1.1"))
    first.take(1)
    assert rates.bucket(call("1.1.1.1")) is first
    for number in range(50):
        rates.bucket(call(f"2.2.2.{number}"))
        assert len(rates._buckets) <= 10
    assert rates.bucket(call("1.1.1.1")) is first
    for number in range(50):
        rates.bucket(call(f"2.2.2.{number}")).take(1)
        assert len(rates._buckets) <= 10


async def test_a_rate_holds_for_each_address_when_there_are_no_keys(make_either: MakeService) -> None:
    service = make_either(http_rate_limit="3/h", http_trusted_proxies="127.0.0.1")

    async def send(client: str, messages: int) -> Any:
        body = {"messages": [MESSAGE] * messages}
        return await service.http.post("/produce/batch", json=body, headers={"x-forwarded-for": client})

    assert (await send("1.2.3.4", 2)).status_code == 200
    refused = await send("1.2.3.4", 2)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert refused.headers.get_list("ratelimit-limit") == ["3"]
    assert refused.headers["ratelimit-remaining"] == "1"
    assert int(refused.headers["retry-after"]) > 0
    last = await send("1.2.3.4", 1)
    assert (last.status_code, last.headers["ratelimit-remaining"]) == (200, "0")
    assert (await send("1.2.3.5", 1)).status_code == 200
    assert (await send("6.6.6.6, 1.2.3.4", 1)).status_code == 429
    for path in ("/produce", "/produce?mode=async", "/produce/example"):
        response = await service.http.post(path, json=MESSAGE, headers={"x-forwarded-for": "1.2.3.4"})
        assert response.status_code == 429, path
    reading = await service.http.get("/dashboard", headers={"x-forwarded-for": "1.2.3.4"})
    assert reading.status_code == 200


async def test_a_call_refused_for_load_costs_nothing_of_the_rate(make_either: MakeService) -> None:
    service: Service = make_either(http_rate_limit="1/h")
    service.application.admission.refuse_new_calls()
    for _ in range(3):
        response = await service.produce(payload=1)
        assert (response.status_code, response.json()["code"]) == (503, "draining")
        assert response.headers["ratelimit-remaining"] == "1"


async def test_no_rate_is_told_where_there_is_none(either: Service) -> None:
    assert "ratelimit-limit" not in (await either.produce(payload=1)).headers
