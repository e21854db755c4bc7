"""/asyncapi.json: the routing table as an AsyncAPI document."""

from __future__ import annotations

from app.api.asyncapi import asyncapi
from app.routes.loading import draw_table
from app.routes.routes import Routes
from app.routes.table import DeadLetter
from tests.api.service import Service, SomeConsumer


def draw(routes: Routes) -> None:
    routes.topic("orders", SomeConsumer, dead_letter=DeadLetter("orders.dlq", max_retries=2))
    routes.pattern(r"user_.*", SomeConsumer, name="users")
    with routes.group("reports") as group:
        group.topic("orders", SomeConsumer)
        group.topic("resting", SomeConsumer, active=False)


async def test_every_line_is_a_channel_and_an_operation(service: Service) -> None:
    document = asyncapi(draw_table(draw, service.settings), "a:9092, b:9092")
    assert document["asyncapi"] == "3.0.0"
    assert [server["host"] for server in document["servers"].values()] == ["a:9092", "b:9092"]
    assert set(document["channels"]) == {"orders", "orders.dlq", "pattern.demijohn.users"}
    assert document["channels"]["orders"]["address"] == "orders"
    assert document["channels"]["pattern.demijohn.users"]["address"] is None
    assert "user_.*" in document["channels"]["pattern.demijohn.users"]["description"]
    assert {name: operation["action"] for name, operation in document["operations"].items()} == {
        "demijohn.orders.receive": "receive",
        "demijohn.orders.dead_letter": "send",
        "demijohn.pattern.demijohn.users.receive": "receive",
        "reports.orders.receive": "receive",
    }
    for operation in document["operations"].values():
        assert operation["channel"]["$ref"].removeprefix("#/channels/") in document["channels"]
    group = document["operations"]["reports.orders.receive"]["bindings"]["kafka"]["groupId"]
    assert group == {"type": "string", "const": "reports"}


async def test_it_is_served(service: Service) -> None:
    response = await service.http.get("/asyncapi.json")
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert "example" in response.json()["channels"]
