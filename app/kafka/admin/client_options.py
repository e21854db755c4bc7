"""How to reach the brokers, as the configuration of librdkafka: what `app.kafka.connection` says to aiokafka."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

from app.settings import Settings

SILENT = 0
"""A level of syslog: what goes wrong is told by the calls, not on stderr."""
MOST_BACKOFF_MS = 1000
"""librdkafka would wait up to 10 s before it tries again to connect."""


def admin_options(settings: Settings, bootstrap_servers: str, on_error: Callable[[Any], None]) -> dict[str, Any]:
    """The configuration of an admin client; `on_error` is told why a broker cannot be reached."""
    protocol = settings.kafka_security_protocol
    options: dict[str, Any] = {
        "bootstrap.servers": bootstrap_servers,
        "client.id": f"{settings.kafka_client_id}-admin",
        "security.protocol": protocol,
        "socket.timeout.ms": settings.kafka_request_timeout_ms,
        "reconnect.backoff.max.ms": MOST_BACKOFF_MS,
        "log_level": SILENT,
        "error_cb": on_error,
    }
    if protocol.endswith("SSL"):
        options |= _tls_options(settings)
    if protocol.startswith("SASL"):
        password = settings.kafka_sasl_password
        options["sasl.mechanism"] = settings.kafka_sasl_mechanism
        options["sasl.username"] = settings.kafka_sasl_username
        options["sasl.password"] = password.get_secret_value() if password else None
    return options


def _tls_options(settings: Settings) -> dict[str, Any]:
    options: dict[str, Any] = {
        "ssl.ca.location": settings.kafka_ssl_cafile or ssl.get_default_verify_paths().cafile or "probe",
        "ssl.endpoint.identification.algorithm": "https" if settings.kafka_ssl_check_hostname else "none",
    }
    if settings.kafka_ssl_certfile:
        options["ssl.certificate.location"] = settings.kafka_ssl_certfile
        options["ssl.key.location"] = settings.kafka_ssl_keyfile or settings.kafka_ssl_certfile
    return options
