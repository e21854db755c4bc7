"""`demijohn verify` says why it could not run, and what it has found."""

from __future__ import annotations

import pytest

from app.cli.verify import own_url, report
from app.verifying.ledger import Ledger
from tests.cli.commands import demijohn
from tests.conftest import MakeTopic, make_settings
from tests.service_process import free_port


async def test_a_service_that_does_not_run_delivers_nothing(kafka: str, make_topic: MakeTopic) -> None:
    url, topic = f"http://127.0.0.1:{free_port()}", await make_topic(2)
    done = await demijohn("verify", "--url", url, "--topic", topic, "--duration", "0.3", servers=kafka)
    assert done.code == 1
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
