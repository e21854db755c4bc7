"""`demijohn verify` says why it could not run, and what it has found."""

from __future__ import annotations

from app.cli.verify import report
from app.verifying.ledger import Ledger
from tests.cli.commands import demijohn
from tests.conftest import MakeTopic
from tests.service_process import free_port


async def test_a_service_that_does_not_run_delivers_nothing(kafka: str, make_topic: MakeTopic) -> None:
    url, topic = f"http://127.0.0.1:{free_port()}", await make_topic(2)
    done = await demijohn("verify", "--url", url, "--topic", topic, "--duration", "0.3", servers=kafka)
    assert done.code == 1
    assert "delivered               0" in done.out, done


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
