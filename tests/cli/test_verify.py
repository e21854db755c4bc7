"""`demijohn verify` says why it could not run, and what it has found."""

from __future__ import annotations

import asyncio
import itertools
import json
import signal

import pytest

from app.cli.verify import own_url, report
from app.verifying.ledger import Ledger
from tests.cli.commands import demijohn
from tests.conftest import MakeTopic, make_settings
from tests.service_process import free_port, service


async def test_a_service_that_does_not_run_delivers_nothing(kafka: str, make_topic: MakeTopic) -> None:
    url, topic = f"http://127.0.0.1:{free_port()}", await make_topic(2)
    done = await demijohn("verify", "--url", url, "--topic", topic, "--duration", "0.3", servers=kafka)
    assert done.code == 2
    assert "Nothing was delivered" in done.err
    assert "delivered               0" in done.out, done


@pytest.mark.parametrize(
    ("changes", "url"),
    [
        ({}, "http://127.0.0.1:3000"),
        ({"http_host": "0.0.0.0", "http_port": 81, "http_root_path": "/d"}, "http://127.0.0.1:81/d"),
        ({"http_host": "::1", "http_tls_cert": "c", "http_tls_key": "k"}, "https://[::1]:3000"),
    ],
)
def test_by_default_it_asks_the_service_of_the_settings(changes: dict[str, object], url: str) -> None:
    assert own_url(make_settings("k:1", **changes)) == url


async def test_it_cannot_run_without_kafka_nor_without_a_url() -> None:
    wrong = await demijohn("verify", "--url", "localhost:3000", servers="127.0.0.1:1")
    assert (wrong.code, "is no URL" in wrong.err) == (2, True), wrong
    alone = await demijohn("verify", servers="")
    assert (alone.code, "KAFKA_BOOTSTRAP_SERVERS" in alone.err) == (2, True), alone


async def test_ctrl_c_ends_it_with_the_report(kafka: str, make_topic: MakeTopic) -> None:
    calls, sending, topic = itertools.count(1), asyncio.Event(), await make_topic(2)

    async def break_off(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if next(calls) > 1:  # the first only asks whether the topic is known
            sending.set()
        writer.close()

    async with await asyncio.start_server(break_off, "127.0.0.1", 0) as listening:
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        options = ("--url", url, "--topic", topic, "--duration", "600", "--settle", "0.1", "--json")
        async with service(kafka, *options, program=("app", "verify")) as process:
            await asyncio.wait_for(sending.wait(), 20)
            process.send(signal.SIGINT)
            assert await process.ended(20) == 2, process.text
    found = json.loads(process.text[process.text.index("{") : process.text.rindex("}") + 1])
    assert found["sent"] == found["unknown"] > 0


def test_the_report_names_what_is_wrong() -> None:
    ledger = Ledger()
    for number in range(3):
        ledger.next_number(0)
        ledger.verdict(0, number, "delivered", number, 4.0)
    ledger.seen(0, 0, 0, 5.0)
    ledger.seen(0, 0, 1, 5.0)
    text = "\n".join(report(ledger))
    assert "lost                    2" in text
    assert "duplicated: message 0 of partition 0" in text
    assert "lost: message 2 of partition 0" in text
    assert text.endswith("NOT every verdict was true.")
