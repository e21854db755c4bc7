"""How to reach the brokers, as keyword arguments of aiokafka's clients; and what must be true of aiokafka."""

from __future__ import annotations

import logging
import ssl
import time
from importlib import metadata
from typing import Any

import aiokafka.errors
import aiokafka.record._crecords as c_records
from aiokafka.errors import BrokerResponseError
from aiokafka.record import default_records

from app.errors import ConfigurationError
from app.settings import Settings

SUPPORTED_AIOKAFKA = "0.14."
"""The hard stop and the watchdog use private names of this version; tests cover each of them."""
REPEAT_AFTER_S = 30.0


class FencedInstanceId(BrokerResponseError):
    errno = 82
    message = "FENCED_INSTANCE_ID"
    description = "Another member with the same group.instance.id has taken over."


class InvalidRecord(BrokerResponseError):
    errno = 87
    message = "INVALID_RECORD"
    description = "The broker refused the record, for example one without a key on a compacted topic."


class UnstableOffsetCommit(BrokerResponseError):
    errno = 88
    message = "UNSTABLE_OFFSET_COMMIT"
    description = "There are unstable offsets that need to be cleared."
    retriable = True


class ThrottlingQuotaExceeded(BrokerResponseError):
    errno = 89
    message = "THROTTLING_QUOTA_EXCEEDED"
    description = "A quota was exceeded."
    retriable = True


class ProducerFencedByBroker(BrokerResponseError):
    errno = 90
    message = "PRODUCER_FENCED"
    description = "A newer producer with the same transactional id has taken over."


class ResourceNotFound(BrokerResponseError):
    errno = 91
    message = "RESOURCE_NOT_FOUND"
    description = "A request names a resource that does not exist."


MISSING_ERRORS = (
    FencedInstanceId,
    InvalidRecord,
    UnstableOffsetCommit,
    ThrottlingQuotaExceeded,
    ProducerFencedByBroker,
    ResourceNotFound,
)


def prepare_aiokafka() -> None:
    """Makes aiokafka fit for use: checks its version and its C extensions, names the error codes it lacks,
    keeps payloads out of its log. Raises ConfigurationError. May be called any number of times."""
    version = metadata.version("aiokafka")
    if not version.startswith(SUPPORTED_AIOKAFKA):
        raise ConfigurationError(f"aiokafka {version} is installed; this service needs {SUPPORTED_AIOKAFKA}x")
    if default_records.DefaultRecordBatchBuilder is not c_records.DefaultRecordBatchBuilder:
        raise ConfigurationError(
            "aiokafka runs without its C extensions, five times slower: install a wheel of it for this Python "
            "and unset AIOKAFKA_NO_EXTENSIONS"
        )
    for error in MISSING_ERRORS:
        aiokafka.errors.kafka_errors.setdefault(error.errno, error)
    logger = logging.getLogger("aiokafka")
    logger.setLevel(max(logger.level, logging.INFO))
    for name in NOISY_LOGGERS:
        noisy = logging.getLogger(name)
        if not any(isinstance(known, RepeatFilter) for known in noisy.filters):
            noisy.addFilter(RepeatFilter())


NOISY_LOGGERS = (
    "aiokafka",
    "aiokafka.client",
    "aiokafka.conn",
    "aiokafka.cluster",
    "aiokafka.consumer.fetcher",
    "aiokafka.consumer.group_coordinator",
    "aiokafka.producer.sender",
)


class RepeatFilter(logging.Filter):
    """Lets a message template through once in 30 s: a broker that is away must not fill the log."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.INFO:
            return True
        template = str(record.msg)
        now = time.monotonic()
        if now - self._last.get(template, -REPEAT_AFTER_S) < REPEAT_AFTER_S:
            return False
        self._last[template] = now
        return True


def connection_options(settings: Settings, bootstrap_servers: str) -> dict[str, Any]:
    """Keyword arguments that every aiokafka client takes. Raises ConfigurationError for bad certificates."""
    protocol = settings.kafka_security_protocol
    options: dict[str, Any] = {
        "bootstrap_servers": [server.strip() for server in bootstrap_servers.split(",") if server.strip()],
        "client_id": settings.kafka_client_id,
        "request_timeout_ms": settings.kafka_request_timeout_ms,
        "security_protocol": protocol,
        "metadata_max_age_ms": settings.consumer_metadata_max_age_ms,
    }
    if protocol.endswith("SSL"):
        options["ssl_context"] = _ssl_context(settings)
    if protocol.startswith("SASL"):
        password = settings.kafka_sasl_password
        options["sasl_mechanism"] = settings.kafka_sasl_mechanism
        options["sasl_plain_username"] = settings.kafka_sasl_username
        options["sasl_plain_password"] = password.get_secret_value() if password else None
    return options


def _ssl_context(settings: Settings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.kafka_ssl_cafile)
        context.check_hostname = settings.kafka_ssl_check_hostname
        if settings.kafka_ssl_certfile:
            context.load_cert_chain(settings.kafka_ssl_certfile, settings.kafka_ssl_keyfile)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(f"KAFKA_SSL_CAFILE, _CERTFILE or _KEYFILE cannot be used: {error}") from error
    return context
