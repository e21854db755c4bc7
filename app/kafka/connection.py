"""How to reach the brokers, as keyword arguments of aiokafka's clients; and what must be true of aiokafka."""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable
from importlib import metadata
from typing import Any

import aiokafka.errors
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import BrokerResponseError, GroupCoordinatorNotAvailableError, GroupLoadInProgressError
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from app.errors import ConfigurationError
from app.kafka.connecting import replace_connecting
from app.kafka.joining import replace_joining
from app.settings import Settings

SUPPORTED_AIOKAFKA = "0.14."
"""The hard stop and the watchdog use private names of this version; tests cover each of them."""
C_EXTENSION = "aiokafka.record._crecords"
NO_POLL_LIMIT_MS = 2**31 - 1
"""aiokafka's max_poll_interval is switched off: polling never stops here, and progress has its own watchdog."""
ASSIGNORS = {
    "range": RangePartitionAssignor,
    "roundrobin": RoundRobinPartitionAssignor,
    "sticky": StickyPartitionAssignor,
}
REPEAT_AFTER_S = 30.0
MOST_TEMPLATES = 200
ORDINARY_ANSWERS = (GroupCoordinatorNotAvailableError, GroupLoadInProgressError)
"""The client asks again by itself, within 100 ms."""
ORDINARY_TEMPLATES = frozenset({"Marking the coordinator dead (node %s)for group %s."})
"""The client looks for a group's coordinator again, as it does once or twice while a new cluster makes its first one;
what lasts is told by the state of the group."""


class UnsupportedCompressionType(BrokerResponseError):
    errno = 76
    message = "UNSUPPORTED_COMPRESSION_TYPE"
    description = "The broker or the topic does not take this compression type."


class OffsetNotAvailable(BrokerResponseError):
    errno = 78
    message = "OFFSET_NOT_AVAILABLE"
    description = "The leader's high watermark has not caught up from a recent election yet."
    retriable = True


class GroupMaxSizeReached(BrokerResponseError):
    errno = 81
    message = "GROUP_MAX_SIZE_REACHED"
    description = "The consumer group has as many members as the broker allows."


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
    UnsupportedCompressionType,
    OffsetNotAvailable,
    GroupMaxSizeReached,
    FencedInstanceId,
    InvalidRecord,
    UnstableOffsetCommit,
    ThrottlingQuotaExceeded,
    ProducerFencedByBroker,
    ResourceNotFound,
)


def prepare_aiokafka() -> None:
    """Makes aiokafka fit for use: checks its version and its C extensions, names the error codes it lacks,
    keeps payloads out of its log, mends how it connects and joins groups. Raises ConfigurationError. May be called
    any number of times."""
    version = metadata.version("aiokafka")
    if not version.startswith(SUPPORTED_AIOKAFKA):
        raise ConfigurationError(f"aiokafka {version} is installed; this service needs {SUPPORTED_AIOKAFKA}x")
    if not DefaultRecordBatchBuilder.__module__.startswith(C_EXTENSION):
        raise ConfigurationError(
            "aiokafka runs without its C extensions, five times slower: install a wheel of it for this Python "
            "(pip install --force-reinstall --only-binary=aiokafka aiokafka) and unset AIOKAFKA_NO_EXTENSIONS"
        )
    for error in MISSING_ERRORS:
        aiokafka.errors.kafka_errors.setdefault(error.errno, error)
    replace_connecting()
    replace_joining()
    _quieten_aiokafka()


NOISY_LOGGERS = (
    "aiokafka",
    "aiokafka.cluster",
    "aiokafka.conn",
    "aiokafka.consumer.fetcher",
    "aiokafka.consumer.group_coordinator",
    "aiokafka.consumer.subscription_state",
    "aiokafka.producer.producer",
    "aiokafka.producer.sender",
)
"""A filter holds for its own logger only, not for those below it, so each is named."""


def _quieten_aiokafka() -> None:
    for name in NOISY_LOGGERS:
        logger = logging.getLogger(name)
        if logger.level or name == "aiokafka":
            logger.setLevel(max(logger.level, logging.INFO))
        if not any(isinstance(known, RepeatFilter) for known in logger.filters):
            logger.addFilter(RepeatFilter())


def _is_ordinary(record: logging.LogRecord) -> bool:
    return record.msg in ORDINARY_TEMPLATES or any(isinstance(value, ORDINARY_ANSWERS) for value in record.args or ())


class RepeatFilter(logging.Filter):
    """Lets a message template through once in 30 s and says how many were held back meanwhile: a broker that is
    away must not fill the log. DEBUG never passes: aiokafka prints payloads there. What Kafka answers while it
    makes the coordinator of a new cluster's first group is no error."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._seen: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.INFO:
            return False
        if record.levelno > logging.INFO and _is_ordinary(record):
            record.levelno, record.levelname = logging.INFO, logging.getLevelName(logging.INFO)
        template = str(record.msg)
        now = self._clock()
        last, held_back = self._seen.get(template, (-REPEAT_AFTER_S, 0))
        if now - last < REPEAT_AFTER_S:
            self._seen[template] = (last, held_back + 1)
            return False
        if len(self._seen) >= MOST_TEMPLATES:
            self._seen.clear()
        self._seen[template] = (now, 0)
        if held_back:
            record.msg = f"{template} [{held_back} more like this since the last such line]"
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


def consumer_options(settings: Settings, bootstrap_servers: str, group: str) -> dict[str, Any]:
    """Keyword arguments of a group's consumer. Raises ConfigurationError for bad certificates."""
    return {
        **connection_options(settings, bootstrap_servers),
        "group_id": group,
        "enable_auto_commit": False,
        "auto_offset_reset": "none",
        "isolation_level": settings.consumer_isolation_level,
        "partition_assignment_strategy": tuple(ASSIGNORS[name] for name in settings.consumer_assignor.split(",")),
        "session_timeout_ms": settings.consumer_session_timeout_ms,
        "heartbeat_interval_ms": settings.consumer_heartbeat_ms,
        "rebalance_timeout_ms": settings.consumer_rebalance_timeout_ms,
        "max_poll_interval_ms": NO_POLL_LIMIT_MS,
        "fetch_max_bytes": settings.consumer_max_fetch_bytes,
        "max_partition_fetch_bytes": settings.consumer_max_partition_fetch_bytes,
    }
