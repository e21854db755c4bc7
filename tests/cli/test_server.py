"""What the process owns, and which parts of the service it runs."""

from __future__ import annotations

import signal
import socket

import httpx
import pytest

from app.cli.server import bind
from app.errors import AddressInUse
from app.producer import Producer
from tests.conftest import MakeTopic, make_settings
from tests.service_process import service


def test_it_listens_where_it_was_told() -> None:
    with bind(make_settings("kafka:9092", http_port=0)) as listener:
        host, port = listener.getsockname()
        assert host == "127.0.0.1"
        socket.create_connection((host, port), timeout=5).close()


def test_it_listens_on_ipv6() -> None:
    with bind(make_settings("kafka:9092", http_port=0, http_host="::1")) as listener:
        assert listener.family == socket.AF_INET6


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.1"])
def test_an_address_that_cannot_be_had_is_named_with_the_remedy(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AddressInUse, match=rf"HTTP_PORT: {host}:{port}: .*set HTTP_PORT to another port"):
            bind(make_settings("kafka:9092", http_port=port, http_host=host))


async def test_without_http_it_consumes_and_nothing_listens(
    kafka: str, make_topic: MakeTopic, producer: Producer
) -> None:
    topic = await make_topic()
    draw = "tests.scenarios.tables:endless"
    running = service(kafka, "--no-http", draw=draw, environment={"TOPIC": topic}, shutdown_timeout_s=3)
    async with running as process:
        await producer.produce_sync(topic=topic, payload=1)
        await process.until_logged("has begun")
        with pytest.raises(httpx.ConnectError):
            await process.client.get("/health/live")
        process.send(signal.SIGTERM)
        assert await process.ended() == 2, process.text  # the endless job was cut


async def test_lines_that_were_left_out_do_not_run(kafka: str) -> None:
    draw = "tests.cli.tables:two_groups"
    async with service(kafka, "--exclude-groups", "second-*", draw=draw) as process:
        await process.until_ready()
        groups = (await process.client.get("/dashboard")).json()["consume"]["groups"]
        states = {group["name"]: group["state"] for group in groups}
        process.send(signal.SIGTERM)
        assert await process.ended() == 0, process.text
    assert states == {"first-group": "waiting_for_topics"}
    assert "second-group" not in process.text
