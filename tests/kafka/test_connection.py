"""Options of the clients, and what is made of aiokafka before its first use. No broker is needed."""

from __future__ import annotations

import logging
import os
import ssl
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import aiokafka
import pytest
from aiokafka.consumer import group_coordinator
from aiokafka.errors import UnknownError, for_code

from app.errors import ConfigurationError
from app.kafka.connection import (
    MOST_TEMPLATES,
    NOISY_LOGGERS,
    ORDINARY_TEMPLATES,
    RepeatFilter,
    connection_options,
    prepare_aiokafka,
)
from tests.kafka.doubles import settings_of

SASL = {
    "kafka_security_protocol": "SASL_SSL",
    "kafka_sasl_mechanism": "SCRAM-SHA-512",
    "kafka_sasl_username": "ann",
    "kafka_sasl_password": "secret",
}


def test_a_plain_connection_has_servers_a_name_and_a_request_timeout() -> None:
    options = connection_options(settings_of("a:1", kafka_client_id="me"), " a:1, b:2 ,")
    assert options["bootstrap_servers"] == ["a:1", "b:2"]
    assert options["client_id"] == "me"
    assert options["request_timeout_ms"] == 4000
    assert options["security_protocol"] == "PLAINTEXT"
    assert "ssl_context" not in options
    assert "sasl_mechanism" not in options


def test_sasl_over_tls_has_credentials_and_checks_the_brokers_names() -> None:
    options = connection_options(settings_of("a:1", **SASL), "a:1")
    assert options["sasl_mechanism"] == "SCRAM-SHA-512"
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("ann", "secret")
    assert options["ssl_context"].check_hostname
    assert options["ssl_context"].verify_mode is ssl.CERT_REQUIRED


def test_the_check_of_names_can_be_left_out_but_not_that_of_certificates() -> None:
    options = connection_options(settings_of("a:1", **SASL, kafka_ssl_check_hostname=False), "a:1")
    assert not options["ssl_context"].check_hostname
    assert options["ssl_context"].verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize("field", ["kafka_ssl_cafile", "kafka_ssl_certfile"])
def test_a_certificate_that_cannot_be_read_is_a_configuration_error(field: str, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("not a certificate")
    with pytest.raises(ConfigurationError, match="KAFKA_SSL_CAFILE"):
        connection_options(settings_of("a:1", kafka_security_protocol="SSL", **{field: str(wrong)}), "a:1")


def test_another_version_of_aiokafka_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda name: "0.15.1")
    with pytest.raises(ConfigurationError, match=r"aiokafka 0\.15\.1 is installed; this service needs 0\.14\.x"):
        prepare_aiokafka()


def test_aiokafka_without_its_c_extensions_is_refused_with_the_remedy() -> None:
    program = "from app.kafka.connection import prepare_aiokafka; prepare_aiokafka()"
    environment = {**os.environ, "AIOKAFKA_NO_EXTENSIONS": "1"}
    ended = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "ConfigurationError" in ended.stderr
    assert "install a wheel of it for this Python" in ended.stderr


def test_error_codes_that_aiokafka_does_not_know_have_names_and_retriable_ones_are_retried() -> None:
    names = {code: for_code(code).__name__ for code in (76, 78, 81, 82, 87, 88, 89, 90, 91)}
    assert names == {
        76: "UnsupportedCompressionType",
        78: "OffsetNotAvailable",
        81: "GroupMaxSizeReached",
        82: "FencedInstanceId",
        87: "InvalidRecord",
        88: "UnstableOffsetCommit",
        89: "ThrottlingQuotaExceeded",
        90: "ProducerFencedByBroker",
        91: "ResourceNotFound",
    }
    assert {code for code in names if for_code(code).retriable} == {78, 88, 89}
    assert for_code(9999) is UnknownError


def test_no_logger_of_aiokafka_lets_a_debug_line_through() -> None:
    for name in NOISY_LOGGERS:
        assert not logging.getLogger(name).isEnabledFor(logging.DEBUG), name


def test_every_logger_of_the_clients_is_filtered() -> None:
    package = Path(aiokafka.__file__).parent
    parts = [*package.glob("*.py"), *package.glob("consumer/*.py"), *package.glob("producer/*.py")]
    named = {path for path in parts if "getLogger(__name__)" in path.read_text()}
    used = {".".join(path.relative_to(package.parent).with_suffix("").parts) for path in named}
    assert used - {"aiokafka.helpers", "aiokafka.consumer.consumer"} <= set(NOISY_LOGGERS)


def _line(template: str, *values: object, level: int = logging.ERROR) -> logging.LogRecord:
    return logging.LogRecord("aiokafka", level, __file__, 1, template, values, None)


def test_a_line_that_repeats_is_let_through_once_and_then_with_a_count() -> None:
    now = [1000.0]
    repeats = RepeatFilter(clock=lambda: now[0])
    passed = [repeats.filter(_line("no node %s", number)) for number in range(5)]
    assert passed == [True, False, False, False, False]
    assert repeats.filter(_line("another line"))
    now[0] += 30
    late = _line("no node %s", 7)
    assert repeats.filter(late)
    assert late.getMessage() == "no node 7 [4 more like this since the last such line]"


def test_a_debug_line_never_passes_the_filter() -> None:
    assert not RepeatFilter().filter(_line("Sending (key=%s value=%s)", b"k", b"v", level=logging.DEBUG))


def test_templates_without_end_do_not_fill_the_memory() -> None:
    repeats = RepeatFilter()
    for number in range(10_000):
        assert repeats.filter(_line(f"template {number}"))
    assert len(repeats._seen) <= MOST_TEMPLATES


def test_a_coordinator_that_is_looked_for_again_is_no_warning() -> None:
    source = Path(group_coordinator.__file__).read_text()
    for template in ORDINARY_TEMPLATES:
        assert f'"{template}"' in source, "the client says it in other words now"
        line = _line(template, 1, "g", level=logging.WARNING)
        assert RepeatFilter().filter(line)
        assert (line.levelno, line.levelname) == (logging.INFO, "INFO")
