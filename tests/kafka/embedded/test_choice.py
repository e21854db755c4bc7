"""Which broker is embedded."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.errors import EmbeddedBrokerError
from app.kafka.embedded.apache import ApacheCluster
from app.kafka.embedded.choice import choose_embedded, embedded_broker
from app.kafka.embedded.jars import DEFAULT_DIRECTORY, find_jars
from app.kafka.embedded.mock import MockBroker
from app.settings import Settings


def test_auto_takes_a_real_kafka_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jars = find_jars(DEFAULT_DIRECTORY)
    assert jars is not None
    monkeypatch.setenv("DEMIJOHN_KAFKA_JARS", str(jars))
    chosen = choose_embedded("auto", tmp_path)
    assert isinstance(chosen, ApacheCluster)
    assert str(tmp_path / "kafka") in chosen.description


def test_auto_takes_the_mock_where_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEMIJOHN_KAFKA_JARS", raising=False)
    assert isinstance(choose_embedded("auto", tmp_path), MockBroker)


def test_who_asks_for_a_real_kafka_never_gets_the_mock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEMIJOHN_KAFKA_JARS", raising=False)
    with pytest.raises(EmbeddedBrokerError, match="jars"):
        choose_embedded("apache", tmp_path)


def test_who_asks_for_the_mock_gets_it(tmp_path: Path) -> None:
    assert isinstance(choose_embedded("mock", tmp_path), MockBroker)


def test_where_brokers_are_named_none_is_embedded() -> None:
    assert embedded_broker(Settings.model_validate({"kafka_bootstrap_servers": "kafka:9092"})) is None


def test_the_settings_say_which_is_embedded() -> None:
    broker = embedded_broker(Settings.model_validate({"kafka_bootstrap_servers": "", "kafka_embedded": "mock"}))
    assert isinstance(broker, MockBroker)
