"""librdkafka's in-memory broker: enough for a first look, and it says so."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from app.errors import EmbeddedBrokerError
from app.kafka.embedded.mock import MockBroker
from app.kafka.producer_client import open_producer
from app.kafka.topic_writer import handed_over
from app.messages import TopicPartition
from tests.kafka.doubles import batch_of, settings_of


async def test_it_takes_records_and_stops_twice() -> None:
    broker = MockBroker()
    await broker.start()
    assert re.fullmatch(r"127\.0\.0\.1:\d+", broker.bootstrap_servers)
    assert await broker.create_topic("t", 3)
    client = await open_producer(settings_of(broker.bootstrap_servers), broker.bootstrap_servers)
    assert await (await handed_over(client, batch_of(client, b"1"), TopicPartition("t", 2), timeout_s=30)) == 0
    await client.stop(1)
    await broker.stop()
    await broker.stop()


async def test_it_says_that_it_keeps_nothing() -> None:
    assert "nothing is kept" in MockBroker().description


async def test_it_starts_without_a_word_on_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    broker = MockBroker()
    await broker.start()
    await broker.stop()
    assert capfd.readouterr() == ("", "")


def test_without_the_library_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(EmbeddedBrokerError, match="confluent-kafka"):
        MockBroker()
    assert "confluent_kafka" in sys.modules
