"""librdkafka's in-memory mock cluster, from the confluent-kafka wheel, by ctypes: it starts in 10 ms.

It accepts sequence gaps, trims silently beyond 5 MiB per partition and cannot rebalance: good for a first
look, never for a claim about delivery.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
from pathlib import Path

from app.errors import EmbeddedBrokerError

_RD_KAFKA_PRODUCER = 0
_ERROR_BYTES = 512
DEFAULT_PARTITIONS = 4


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

    @property
    def bootstrap_servers(self) -> str:
        """Known after the start."""
        return self._servers

    async def start(self, timeout_s: float = 5.0) -> None:
        """Starts the mock. Raises EmbeddedBrokerError."""
        library = self._library
        error = ctypes.create_string_buffer(_ERROR_BYTES)
        self._handle = library.rd_kafka_new(_RD_KAFKA_PRODUCER, None, error, _ERROR_BYTES)
        if not self._handle:
            raise EmbeddedBrokerError(f"The in-memory broker could not be started: {error.value.decode()}")
        self._cluster = library.rd_kafka_mock_cluster_new(self._handle, 1)
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
        if self._cluster:
            self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        if self._handle:
            self._library.rd_kafka_destroy(self._handle)
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
        "rd_kafka_new": (pointer, [number, pointer, text, ctypes.c_size_t]),
        "rd_kafka_destroy": (None, [pointer]),
        "rd_kafka_mock_cluster_new": (pointer, [pointer, number]),
        "rd_kafka_mock_cluster_destroy": (None, [pointer]),
        "rd_kafka_mock_cluster_bootstraps": (text, [pointer]),
        "rd_kafka_mock_topic_create": (number, [pointer, text, number, number]),
        "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, [pointer, ctypes.c_int32]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    return library
