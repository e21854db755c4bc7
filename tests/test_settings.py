"""Settings: from the environment, checked as a whole, every fault with its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.errors import SettingsInvalid
from app.settings import Settings, load_settings, misspelled


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_the_defaults_are_valid() -> None:
    settings = load_settings(None)
    assert settings.embedded
    assert settings.http_host == "127.0.0.1"


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / ".env"
    file.write_text("HTTP_PORT=4000\nLOG_LEVEL=DEBUG\nKAFKA_BOOTSTRAP_SERVERS=\n")
    monkeypatch.setenv("HTTP_PORT", "5000")
    settings = load_settings(str(file))
    assert (settings.http_port, settings.log_level, settings.embedded) == (5000, "debug", True)


@pytest.mark.parametrize(
    ("value", "root"), [("", ""), ("/", ""), ("/demijohn", "/demijohn"), ("/a/b/", "/a/b"), ("/docs-2", "/docs-2")]
)
def test_a_root_path_ends_without_a_slash(monkeypatch: pytest.MonkeyPatch, value: str, root: str) -> None:
    monkeypatch.setenv("HTTP_ROOT_PATH", value)
    assert load_settings(None).http_root_path == root


FAULTS = [
    ("KAFKA_BOOTSTRAP_SERVERS", "kafka", "host:port"),
    ("KAFKA_BOOTSTRAP_SERVERS", "a:1,b:99999", "'b:99999'"),
    ("HTTP_PORT", "70000", "65535"),
    ("PRODUCER_DELIVERY_TIMEOUT_S", "19", "20"),
    ("PRODUCER_ACKS", "2", "'all', '1' or '0'"),
    ("CONSUMER_ASSIGNOR", "range,lucky", "'lucky'"),
    ("ROUTES", "app.routing", "module:function"),
    ("HTTP_RATE_LIMIT", "fast", "1000/s"),
    ("HTTP_TRUSTED_PROXIES", "10.0.0.0/8,proxy", "'proxy'"),
    ("HTTP_CORS_ORIGINS", "*", "'*' is no origin"),
    ("HTTP_CORS_ORIGINS", "https://a.example/", "is no origin"),
    ("HTTP_ROOT_PATH", "demijohn", "is no path"),
    ("HTTP_ROOT_PATH", "/a b", "is no path"),
    ("HTTP_ROOT_PATH", "/a//b", "is no path"),
    ("HTTP_ROOT_PATH", "/dashboard/x", "another prefix"),
    ("LOG_LEVEL", "loud", "'debug'"),
]


@pytest.mark.parametrize(("name", "value", "word"), FAULTS)
def test_a_fault_bears_the_settings_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str, word: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsInvalid) as raised:
        load_settings(None)
    assert [fault.path for fault in raised.value.faults] == [name]
    assert word in str(raised.value)


CONTRADICTIONS: list[tuple[dict[str, str], str]] = [
    ({"HTTP_TIMEOUT_S": "31"}, "HTTP_TIMEOUT_S must not be above HTTP_MAX_TIMEOUT_S"),
    ({"HTTP_MAX_TIMEOUT_S": "40"}, "HTTP_MAX_TIMEOUT_S must not be above PRODUCER_DELIVERY_TIMEOUT_S"),
    ({"PRODUCER_ACKS": "1"}, "PRODUCER_IDEMPOTENT needs PRODUCER_ACKS=all"),
    ({"CONSUMER_PAUSE_MS": "40000"}, "CONSUMER_PAUSE_MS"),
    ({"CONSUMER_REBALANCE_TIMEOUT_MS": "44999"}, "CONSUMER_REBALANCE_TIMEOUT_MS"),
    ({"CONSUMER_HEARTBEAT_MS": "15001"}, "CONSUMER_HEARTBEAT_MS"),
    ({"CONSUMER_DRAIN_MS": "30001"}, "CONSUMER_DRAIN_MS"),
    ({"HTTP_TLS_CERT": "cert.pem"}, "HTTP_TLS_CERT and HTTP_TLS_KEY belong together"),
    ({"KAFKA_EMBEDDED": "off"}, "KAFKA_BOOTSTRAP_SERVERS is empty and KAFKA_EMBEDDED=off"),
    ({"KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}, "KAFKA_SASL_USERNAME"),
]


@pytest.mark.parametrize(("environment", "word"), CONTRADICTIONS)
def test_settings_that_contradict_each_other_are_refused(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], word: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsInvalid, match=word):
        load_settings(None)


def test_all_faults_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PORT", "x")
    monkeypatch.setenv("LOG_FORMAT", "xml")
    with pytest.raises(SettingsInvalid) as raised:
        load_settings(None)
    assert {fault.path for fault in raised.value.faults} == {"HTTP_PORT", "LOG_FORMAT"}


def test_a_password_is_never_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    monkeypatch.setenv("KAFKA_SASL_USERNAME", "me")
    monkeypatch.setenv("KAFKA_SASL_PASSWORD", "hunter2")
    assert "hunter2" not in repr(load_settings(None))
    monkeypatch.setenv("HTTP_PORT", "x")
    with pytest.raises(SettingsInvalid) as raised:
        load_settings(None)
    assert "hunter2" not in str(raised.value)


def test_a_misspelt_setting_is_recognised_and_a_platforms_own_is_left_alone() -> None:
    environment = {
        "KAFKA_BOOTSTRAP_SERVER": "x",
        "HTTP_PORTS": "1",
        "KAFKA_PORT": "tcp://1",
        "PATH": "/",
        "HTTP_PORT": "1",
    }
    assert misspelled(environment) == [
        ("KAFKA_BOOTSTRAP_SERVER", "KAFKA_BOOTSTRAP_SERVERS"),
        ("HTTP_PORTS", "HTTP_PORT"),
    ]
