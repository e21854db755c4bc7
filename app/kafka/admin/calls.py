"""librdkafka's admin client in threads of its own: its calls block, and they may take as long as a broker hangs.

The client is made at the first call. At most `MOST_CALLS` wait or run at once, and each is given up after its
`timeout_s`, wherever it stands; librdkafka is told the same bound, so that its thread is free again then.
"""

from __future__ import annotations

import asyncio
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from app.errors import KafkaUnavailable
from app.kafka.admin.answers import refusal
from app.kafka.admin.client_options import admin_options
from app.settings import Settings

T = TypeVar("T")
THREADS = 4
MOST_CALLS = 32
HAND_OVER_S = 0.25
"""So much longer than a thread its caller waits: what the thread says is better than a timeout."""


REPEAT_S = 0.1
ON_THEIR_WAY = frozenset(
    {
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.NOT_COORDINATOR,
        KafkaError.NOT_CONTROLLER,
    }
)
"""Kafka has done nothing where it says so."""


class Asked(NamedTuple):
    """What is asked for, in words, and the right that Kafka's rules ask for it."""

    what: str
    right: str


class Calls:
    """Runs functions of (client, seconds left) in the threads."""

    def __init__(self, settings: Settings, servers: Callable[[], str]) -> None:
        self._settings = settings
        self._servers = servers
        self._making = threading.Lock()
        self._free = threading.BoundedSemaphore(MOST_CALLS)
        self._executor: ThreadPoolExecutor | None = None
        self._client: AdminClient | None = None
        self._closed = False
        self._last_error = ""

    async def run(self, function: Callable[[AdminClient, float], T], asked: Asked, timeout_s: float) -> T:
        """What `function` returns. Raises KafkaUnavailable, AdminRefused."""
        if self._closed:
            raise KafkaUnavailable("The service is stopping")
        if not self._free.acquire(blocking=False):
            raise KafkaUnavailable(f"{asked.what}: {MOST_CALLS} other questions still wait for the brokers")
        if self._executor is None:
            self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="kafka-admin")
        deadline = time.monotonic() + timeout_s
        running = self._executor.submit(self._in_thread, function, asked, deadline)
        running.add_done_callback(self._release)
        try:
            async with asyncio.timeout(timeout_s + HAND_OVER_S):
                return await asyncio.wrap_future(running)
        except TimeoutError:
            raise self._unavailable(asked) from None

    def _release(self, _: Future[Any]) -> None:
        self._free.release()

    def _in_thread(self, function: Callable[[AdminClient, float], T], asked: Asked, deadline: float) -> T:
        try:
            return self._answer(function, asked, deadline)
        except Exception as error:
            _let_go(error)
            raise

    def _answer(self, function: Callable[[AdminClient, float], T], asked: Asked, deadline: float) -> T:
        left_s = deadline - time.monotonic()
        if left_s <= 0 or self._closed:
            raise self._unavailable(asked)
        client = self._made()
        try:
            return _repeated(function, client, deadline)
        except TimeoutError:
            raise self._unavailable(asked) from None
        except KafkaException as error:
            client.poll(0)  # learns from librdkafka why a broker cannot be reached
            refused = refusal(error, *asked)
            if isinstance(refused, KafkaUnavailable):
                refused = self._unavailable(asked, error.args[0].str())
            raise refused from error

    def _made(self) -> AdminClient:
        with self._making:
            if self._client is None:
                self._client = AdminClient(admin_options(self._settings, self._servers(), self._remember))
            self._client.poll(0)
            return self._client

    def _remember(self, error: KafkaError) -> None:
        if error.code() != KafkaError._ALL_BROKERS_DOWN:
            self._last_error = error.str()

    def _unavailable(self, asked: Asked, text: str = "") -> KafkaUnavailable:
        why = self._last_error or text
        return KafkaUnavailable(f"{asked.what}: no broker of {self._servers()} answered in time{why and f' ({why})'}")

    def close(self) -> None:
        """Takes no more calls; those that wait are dropped, those that run end by their own bound."""
        self._closed = True
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
        self._client = None


def _let_go(error: BaseException | None) -> None:
    """Takes the client from the frames that an error keeps: librdkafka ends the process where the collector, in one of
    librdkafka's own threads, finds a client to destroy."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def _repeated(function: Callable[[AdminClient, float], T], client: AdminClient, deadline: float) -> T:
    """What `function` gives, asked again while a coordinator or the controller is only on its way."""
    while True:
        try:
            return function(client, max(0.1, deadline - time.monotonic()))
        except KafkaException as error:
            if error.args[0].code() not in ON_THEIR_WAY or time.monotonic() + REPEAT_S > deadline:
                raise
        time.sleep(REPEAT_S)


def results(futures: Iterable[Future[T]], left_s: float) -> list[T]:
    """What each of librdkafka's futures gives; the first error is raised."""
    deadline = time.monotonic() + left_s + HAND_OVER_S
    return [future.result(max(0.0, deadline - time.monotonic())) for future in futures]
