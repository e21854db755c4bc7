"""The socket that the process owns."""

from __future__ import annotations

import socket

import pytest

from app.cli.server import bind
from app.errors import AddressInUse
from tests.conftest import make_settings


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
