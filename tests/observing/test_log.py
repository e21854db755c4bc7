"""The lines of the log, word for word, and that nothing that happens goes unseen."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from app import events
from app.events import Event, LoopLagMeasured, Monitor
from app.messages import DeliveryReport, TopicPartition
from app.observing.log import LogLines
from app.observing.log_setup import set_up_logging
from app.observing.request_id import begin_request, current_request_id
from app.observing.sampling import LINES_PER_S, Sampler
from app.settings import Settings
from tests.api.service import Service

NOT_SHOWN: frozenset[type[Event]] = frozenset()
"""Events that no listener cares for."""
REPORT = DeliveryReport(
    topic="example",
    partition=0,
    offset=1,
    timestamp=1,
    error=None,
    label=None,
    key=None,
    latency_ms=1.0,
    attempts=1,
    message_id="m",
)
JOB = ("app", "f573b01f2bd5", "ExampleConsumer", "example", 0)
LINES: list[tuple[Event, str]] = [
    (
        events.GroupSubscribed("app", "f01618137d18", ("example", "user_events")),
        "[f01618137d18] Group app subscribing to topics: example, user_events",
    ),
    (
        events.MessagesPolled("app", "f01618137d18", "example", 0, 6, 999.58),
        "[f01618137d18] Polled 6 messages in 999.58ms from example-0 of group app",
    ),
    (events.JobStarted(*JOB, 5, 9, 5, 1), "[f573b01f2bd5] Consume job for ExampleConsumer on example-0 started"),
    (
        events.JobFinished(*JOB, 5, 12.34, "done", 5),
        "[f573b01f2bd5] Consume job for ExampleConsumer on example-0 finished in 12.34 ms",
    ),
    (
        events.JobFinished(*JOB, 5, 12.34, "failed", 0),
        "[f573b01f2bd5] Consume job for ExampleConsumer on example-0 failed in 12.34 ms",
    ),
    (
        events.RetryScheduled(*JOB, 5, 1, 2000, datetime.now(UTC)),
        "[f573b01f2bd5] Retrying of ExampleConsumer after 2000 ms on topic example-0 from offset 5",
    ),
    (
        events.DeadLetterDispatched("app", "f01618137d18", "example", 0, 5, "example.dlq", KeyError("id")),
        "[f01618137d18] Dispatched message 5 from example-0 to DLQ topic: example.dlq",
    ),
    (
        events.PartitionsAssigned(
            "app", "f01618137d18", frozenset({TopicPartition("example", 1), TopicPartition("example", 0)})
        ),
        "[f01618137d18] Group app rebalance: example-[0,1] assigned",
    ),
    (
        events.PartitionsRevoked(
            "app", "f01618137d18", frozenset({TopicPartition("b", 10), TopicPartition("b", 9), TopicPartition("a", 0)})
        ),
        "[f01618137d18] Group app rebalance: a-0, b-[9,10] revoked",
    ),
    (
        events.PositionReset("app", "example", 0, 10, 1000, 990),
        "Position 10 of example-0 was trimmed away: going on at 1000, 990 records lost",
    ),
    (
        events.LoopBlocked(3210.4, events.Culprit("app/consumers/payments.py:17", "PaymentsConsumer", "payments", 2)),
        "The event loop was blocked for 3.2 s by PaymentsConsumer on payments-2 (app/consumers/payments.py:17): "
        "use plain def or await",
    ),
    (
        events.LoopBlocked(1000.0, events.Culprit("app/api/produce.py:20")),
        "The event loop was blocked for 1.0 s by app/api/produce.py:20: some code waits without await",
    ),
    (
        events.LoopBlocked(14_000.0, None),
        "The event loop was blocked for 14.0 s, and none of its code was seen at work: was the process stopped, or "
        "without a processor?",
    ),
    (
        events.LoopStuck(5000.0, events.Culprit("app/consumers/payments.py:17", "PaymentsConsumer", "payments", 2)),
        "The event loop has been blocked for 5.0 s by PaymentsConsumer on payments-2 (app/consumers/payments.py:17): "
        "use plain def or await",
    ),
    (
        events.MessageProducedSync("demijohn-0485e372fb75", "example", 118.84, REPORT),
        "[demijohn-0485e372fb75] Sync producing of a message to 'example' topic took 118.84 ms",
    ),
    (
        events.MessageProducedAsync("demijohn-0485e372fb75", "example"),
        "[demijohn-0485e372fb75] Message to 'example' topic was delegated to a dispatch queue",
    ),
    (
        events.MessagesProducedSync("demijohn-0485e372fb75", 10, 2, 5.0),
        "[demijohn-0485e372fb75] Sync producing of 10 messages to 2 topics took 5.00 ms",
    ),
    (
        events.MessagesSettled("example", 0, "failed", "unknown_topic", 2, 1.0),
        "2 messages to 'example' topic were not delivered: unknown_topic",
    ),
    (
        events.MessagesSettled("example", 0, "unknown", "delivery_unknown", 1, 1.0),
        "1 message to 'example' topic may or may not be stored: delivery_unknown",
    ),
]


@pytest.fixture
def monitor() -> Monitor:
    monitor = Monitor()
    logger = logging.getLogger("demijohn")
    logger.setLevel(logging.INFO)
    LogLines(monitor)
    return monitor


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Puts the root logger back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in ("aiokafka", "kafka", "asyncio", "uvicorn.error")}
    yield
    root.handlers[:], root.level = handlers, level
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


def every_event() -> list[type[Event]]:
    return [found for found in vars(events).values() if isinstance(found, type) and issubclass(found, Event)]


async def test_every_event_is_seen_by_a_listener_and_none_is_unknown() -> None:
    service = Service()
    logging.getLogger("demijohn").setLevel(logging.INFO)
    LogLines(service.monitor)
    known = set(every_event()) - {Event}
    assert len(known) > 30
    assert {event for event in known if not service.monitor.listens(event)} == NOT_SHOWN
    assert set(service.monitor._handlers) <= known
    await service.close()


@pytest.mark.parametrize(("event", "line"), LINES, ids=[type(event).__name__ for event, _ in LINES])
def test_lines_are_word_for_word(monitor: Monitor, caplog: pytest.LogCaptureFixture, event: Event, line: str) -> None:
    with caplog.at_level(logging.INFO, "demijohn"):
        monitor.emit(event)
    assert caplog.messages == [line]
    assert monitor.failures == 0


def test_polls_are_told_of_at_debug_and_those_without_records_too(
    monitor: Monitor, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "demijohn"):
        monitor.emit(events.PollReturned("app", "f01618137d18", 999.58))
        monitor.emit(events.MessagesPolled("app", "f01618137d18", "example", 0, 6, 12.5))
        monitor.emit(events.PollReturned("app", "f01618137d18", 1000.12))
        monitor.emit(events.PollReturned("app", "f01618137d18", 1000.33))
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("DEBUG", "[f01618137d18] Polled 0 messages in 999.58ms"),
        ("DEBUG", "[f01618137d18] Polling messages..."),
        ("INFO", "[f01618137d18] Polled 6 messages in 12.50ms from example-0 of group app"),
        ("DEBUG", "[f01618137d18] Polling messages..."),
        ("DEBUG", "[f01618137d18] Polled 0 messages in 1000.33ms"),
        ("DEBUG", "[f01618137d18] Polling messages..."),
    ]


def test_an_error_has_its_traceback_and_place(monitor: Monitor, caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise KeyError("id")
    except KeyError as error:
        failure = error
    monitor.emit(events.ErrorOccurred("consumer.consume", failure, "app", "example", 0, 5, 9, 2, "ExampleConsumer"))
    assert caplog.messages == [
        "consumer.consume failed in ExampleConsumer on example-0, offsets 5 to 9, attempt 2 (group app)"
    ]
    assert "raise KeyError" in caplog.text
    assert caplog.records[0].levelno == logging.ERROR


def test_under_load_lines_are_counted_and_errors_are_not_sampled(
    monitor: Monitor, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "demijohn"):
        monitor.emit(LoopLagMeasured(0.1))
        for _ in range(LINES_PER_S + 40):
            monitor.emit(events.JobStarted(*JOB, 5, 9, 5, 1))
            monitor.emit(events.ErrorOccurred("consumer.consume", KeyError("id")))
        monitor.emit(LoopLagMeasured(0.1))
    started = [line for line in caplog.messages if line.endswith("started")]
    assert caplog.messages.count("consumer.consume failed") == LINES_PER_S + 40
    assert "... and 40 more on example in the last second: Consume job for ExampleConsumer started" in caplog.messages
    assert len(started) == LINES_PER_S + 1


def test_what_was_left_out_is_told_when_the_second_is_over() -> None:
    now = [10.2]
    sampler = Sampler(lambda: now[0])
    sampler.next_second()
    passed = [sampler.passes("job", "a") for _ in range(25)]
    assert passed.count(True) == LINES_PER_S
    assert sampler.passes("job", "b")
    now[0] = 11.0
    assert sampler.next_second() == [("job", "a", 15)]
    assert sampler.passes("job", "a")
    assert sampler.next_second() == []


def logged(log_format: Any, own: Callable[[], None]) -> str:
    stream = io.StringIO()
    set_up_logging(Settings(_env_file=None, log_format=log_format), stream)  # type: ignore[call-arg]  # pydantic-settings adds it
    own()
    return stream.getvalue()


@pytest.mark.usefixtures("own_logging")
def test_text_lines_are_for_people() -> None:
    def log() -> None:
        logging.getLogger("demijohn").info("Kafka answers: %s", "1 broker")
        logging.getLogger("demijohn").debug("not shown")

    assert logged("text", log).endswith("Z INFO    Kafka answers: 1 broker\n")


@pytest.mark.usefixtures("own_logging")
async def test_json_lines_are_one_object_each_with_the_request_and_the_traceback() -> None:
    def log() -> None:
        try:
            raise ValueError("a\nb")
        except ValueError:
            logging.getLogger("demijohn").exception("failed\n%s", "é")

    async def request() -> str:
        begin_request("mine")
        return logged("json", log)

    first = json.loads(await asyncio.create_task(request()))
    second = json.loads(logged("json", lambda: logging.getLogger("other").warning("second")))
    assert (first["level"], first["logger"], first["message"], first["request_id"]) == (
        "error",
        "demijohn",
        "failed\né",
        "mine",
    )
    assert "ValueError: a\nb" in first["traceback"]
    assert set(second) == {"at", "level", "logger", "message"}


@pytest.mark.usefixtures("own_logging")
def test_third_parties_are_quiet_and_access_is_not_logged() -> None:
    def log() -> None:
        logging.getLogger("aiokafka.consumer").info("joined")
        logging.getLogger("uvicorn.access").info("GET /")
        logging.getLogger("uvicorn.error").info("Started server process")
        logging.getLogger("aiokafka.consumer").warning("a warning")

    assert logged("text", log).splitlines()[0].endswith("WARNING a warning")


@pytest.mark.usefixtures("own_logging")
@pytest.mark.parametrize("name", ["aiokafka.conn", "kafka.conn", "asyncio"])
def test_at_debug_third_parties_print_no_requests_as_payloads_are_in_them(name: str) -> None:
    stream = io.StringIO()
    set_up_logging(Settings.model_validate({"log_level": "debug"}), stream)
    logging.getLogger(name).debug("Request: secret")
    logging.getLogger(name).info("joined")
    logging.getLogger("anybody").debug("ours")
    assert [line.split()[-1] for line in stream.getvalue().splitlines()] == ["joined", "ours"]


async def test_a_task_that_a_request_starts_does_not_answer_it() -> None:
    async def request() -> tuple[str | None, str | None]:
        begin_request("mine")
        inherited = await asyncio.create_task(asked())
        return current_request_id(), inherited

    async def asked() -> str | None:
        return current_request_id()

    assert await asyncio.create_task(request()) == ("mine", None)
    assert await asyncio.to_thread(current_request_id) is None


async def test_the_request_id_is_in_the_lines_of_a_request() -> None:
    seen: list[str | None] = []
    service = Service()
    service.monitor.subscribe(events.MessageProducedSync, lambda _: seen.append(current_request_id()))
    await service.http.post("/produce", json={"topic": "example", "payload": 1}, headers={"x-request-id": "mine"})
    assert seen == ["mine"]
    await service.close()
