"""librdkafka's in-memory mock cluster, from the confluent-kafka wheel, by ctypes: it starts in 10 ms.

It accepts sequence gaps, trims silently beyond 5 MiB per partition and cannot rebalance: good for a first
look, never for a claim about delivery.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.errors import EmbeddedBrokerError
from app.settings import Settings

_RD_KAFKA_PRODUCER = 0
_ERROR_BYTES = 512
DEFAULT_PARTITIONS = 4
METADATA_MAX_AGE_MS = 2000
WARNINGS = b"4"
"""A level of syslog: librdkafka would else greet on stderr."""


class MockBroker:
    """An in-memory broker inside this process; everything is gone when it stops."""

    kind = "mock"
    description = (
        "librdkafka's in-memory mock: nothing is kept, and beyond 5 MiB per partition the oldest records vanish"
    )

    def __init__(self) -> None:
        self._library = _load_library()
        self._handle: int | None = None
        self._cluster: int | None = None
        self._servers = ""

    def consumer_settings(self, settings: Settings) -> Mapping[str, Any]:
        """It understands one assignor only, and lets nobody rejoin before the last session has timed out."""
        return {
            "consumer_assignor": settings.consumer_assignor.split(",")[0],
            "consumer_session_timeout_ms": 3000,
            "consumer_heartbeat_ms": 1000,
            "consumer_metadata_max_age_ms": METADATA_MAX_AGE_MS,
        }

    @property
    def bootstrap_servers(self) -> str:
        """Known after the start."""
        return self._servers

    async def start(self, timeout_s: float = 5.0) -> None:
        """Starts the mock. Raises EmbeddedBrokerError."""
        library = self._library
        error = ctypes.create_string_buffer(_ERROR_BYTES)
        configuration = library.rd_kafka_conf_new()
        for name, value in ((b"test.mock.num.brokers", b"1"), (b"log_level", WARNINGS)):
            library.rd_kafka_conf_set(configuration, name, value, error, _ERROR_BYTES)
        self._handle = library.rd_kafka_new(_RD_KAFKA_PRODUCER, configuration, error, _ERROR_BYTES)
        if not self._handle:
            library.rd_kafka_conf_destroy(configuration)
            raise EmbeddedBrokerError(f"The in-memory broker could not be started: {error.value.decode()}")
        self._cluster = library.rd_kafka_handle_mock_cluster(self._handle)
        if not self._cluster:
            raise EmbeddedBrokerError("The in-memory broker could not be started")
        library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)
        self._servers = library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()

    async def create_topic(self, topic: str, partitions: int) -> bool:
        """Creates a topic: the mock takes no create request over the wire."""
        code = self._library.rd_kafka_mock_topic_create(self._cluster, topic.encode(), partitions, 1)
        return bool(code == 0)

    async def stop(self, timeout_s: float = 5.0) -> None:
        """Ends the mock and forgets everything. May be called twice."""
        if self._handle:
            self._library.rd_kafka_destroy(self._handle)  # and the cluster with it
        self._cluster = self._handle = None


def _load_library() -> ctypes.CDLL:
    spec = importlib.util.find_spec("confluent_kafka")
    if spec is None or spec.origin is None:
        raise EmbeddedBrokerError("The in-memory broker needs the package confluent-kafka")
    package = Path(spec.origin).parent
    beside = [package.parent / "confluent_kafka.libs", package / ".dylibs", package]
    found = [path for place in beside if place.is_dir() for path in sorted(place.glob("librdkafka*"))]
    if not found:
        raise EmbeddedBrokerError("confluent-kafka is installed without its bundled librdkafka: install its wheel")
    importlib.import_module("confluent_kafka")  # loads what librdkafka depends on
    return _declare(ctypes.CDLL(str(found[0])))


def _declare(library: ctypes.CDLL) -> ctypes.CDLL:
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    signatures: dict[str, tuple[object, list[object]]] = {
        "rd_kafka_conf_new": (pointer, []),
        "rd_kafka_conf_set": (number, [pointer, text, text, text, ctypes.c_size_t]),
        "rd_kafka_conf_destroy": (None, [pointer]),
        "rd_kafka_new": (pointer, [number, pointer, text, ctypes.c_size_t]),
        "rd_kafka_destroy": (None, [pointer]),
        "rd_kafka_handle_mock_cluster": (pointer, [pointer]),
        "rd_kafka_mock_cluster_bootstraps": (text, [pointer]),
        "rd_kafka_mock_topic_create": (number, [pointer, text, number, number]),
        "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, [pointer, ctypes.c_int32]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    return library
