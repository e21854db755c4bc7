"""A service that cannot run says why, all at once, with the remedy, and exits with 1."""

from __future__ import annotations

import socket
from pathlib import Path

from tests.service_process import service


async def test_a_port_in_use_is_named_with_its_remedy() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with service("127.0.0.1:1", http_port=port) as process:
            assert await process.ended(10) == 1
    assert f"127.0.0.1:{port}" in process.text
    assert "set HTTP_PORT to another port" in process.text
    assert "Traceback" not in process.text


async def test_every_bad_setting_is_named_at_once() -> None:
    bad = {"HTTP_MAX_BATCH": "0", "PRODUCER_ACKS": "some", "CONSUMER_DRAIN_MS": "soon"}
    async with service("127.0.0.1:1", environment=bad) as process:
        assert await process.ended(10) == 1
    for name in bad:
        assert name in process.text
    assert "Traceback" not in process.text


async def test_every_fault_of_the_table_is_named_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "their_table.py").write_text(
        "from app.consumer import Consumer\n"
        "from app.routes import DeadLetter, Routes\n\n\n"
        "class C(Consumer):\n"
        "    async def consume(self) -> None: ...\n\n\n"
        "def draw(routes: Routes) -> None:\n"
        "    routes.topic('bad name', C)\n"
        "    routes.topic('twice', C, max_messages=0)\n"
        "    routes.topic('twice', C)\n"
        "    routes.topic('loop', C, dead_letter=DeadLetter('loop'))\n"
    )
    async with service("127.0.0.1:1", draw="their_table:draw", cwd=tmp_path) as process:
        assert await process.ended(10) == 1
    for fault in ("bad name", "max_messages", "twice", "loop"):
        assert fault in process.text
    assert "Traceback" not in process.text


async def test_a_table_that_cannot_be_imported_is_named() -> None:
    async with service("127.0.0.1:1", draw="nobody.wrote_this:draw") as process:
        assert await process.ended(10) == 1
    assert "ROUTES" in process.text
    assert "nobody.wrote_this" in process.text


async def test_no_broker_and_no_embedded_one_is_an_error() -> None:
    async with service("", kafka_embedded="off") as process:
        assert await process.ended(10) == 1
    assert "KAFKA_BOOTSTRAP_SERVERS" in process.text
    assert "Traceback" not in process.text


async def test_a_misspelt_setting_is_told_with_the_right_name() -> None:
    async with service("127.0.0.1:1", consumer_max_mesages=5) as process:
        await process.until_live()
        await process.until_logged("CONSUMER_MAX_MESAGES is not a setting: did you mean CONSUMER_MAX_MESSAGES?")
