"""The admin client reaches the brokers as the other clients do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient

from app.kafka.admin.client_options import admin_options
from tests.kafka.doubles import settings_of


def options(**fields: Any) -> dict[str, Any]:
    return admin_options(settings_of("kafka:9092", **fields), "kafka:9092", lambda error: None)


def test_a_plain_connection_needs_nothing_but_the_address() -> None:
    made = options(kafka_client_id="orders")
    assert (made["bootstrap.servers"], made["security.protocol"]) == ("kafka:9092", "PLAINTEXT")
    assert made["client.id"] == "orders-admin"
    assert not [name for name in made if name.startswith(("ssl.", "sasl."))]


@pytest.mark.parametrize(("checked", "word"), [(True, "https"), (False, "none")])
def test_certificates_and_passwords_are_those_of_the_other_clients(checked: bool, word: str) -> None:
    made = options(
        kafka_security_protocol="SASL_SSL",
        kafka_sasl_mechanism="SCRAM-SHA-512",
        kafka_sasl_username="user",
        kafka_sasl_password="secret",
        kafka_ssl_cafile="ca.pem",
        kafka_ssl_certfile="cert.pem",
        kafka_ssl_check_hostname=checked,
    )
    assert (made["sasl.mechanism"], made["sasl.username"], made["sasl.password"]) == ("SCRAM-SHA-512", "user", "secret")
    assert made["ssl.ca.location"] == "ca.pem"
    assert made["ssl.certificate.location"] == made["ssl.key.location"] == "cert.pem"
    assert made["ssl.endpoint.identification.algorithm"] == word


def test_librdkafka_takes_what_it_is_given(tmp_path: Path) -> None:
    made = options(
        kafka_security_protocol="SASL_SSL",
        kafka_sasl_mechanism="SCRAM-SHA-256",
        kafka_sasl_username="user",
        kafka_sasl_password="secret",
    )
    AdminClient(made).poll(0)
