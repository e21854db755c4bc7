"""The snapshot: exactly the names that were promised, null for what is not known, folded errors."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.events import (
    BrokerUnreachable,
    ClientRebuilt,
    Culprit,
    DeadLetterDispatched,
    ErrorOccurred,
    GroupStateChanged,
    JobFinished,
    JobStarted,
    LoopBlocked,
    LoopLagMeasured,
    MessagesAccepted,
    MessagesSettled,
    OffsetsCommitted,
    PartitionProgress,
    PartitionsAssigned,
    PartitionsRevoked,
    PollReturned,
    ProducerRebuilt,
    RetryScheduled,
)
from app.messages import TopicPartition
from app.observing.figures import Rate, Samples
from tests.api.service import Service
from tests.waiting import until

AT = TopicPartition("example", 0)
PROMISED: dict[str, Any] = {
    "schema_version": ...,
    "generated_at": ...,
    "service": {
        "name": ...,
        "version": ...,
        "instance": ...,
        "state": ...,
        "health": ...,
        "reasons": ...,
        "notes": ...,
        "started_at": ...,
        "uptime_s": ...,
        "embedded_broker": ...,
    },
    "broker": {"reachable": ..., "kind": ..., "brokers": ..., "version": ...},
    "produce": {
        "accepted": ...,
        "delivered": ...,
        "failed": ...,
        "unknown": ...,
        "by_code": ...,
        "per_s": {"accepted": ..., "delivered": ..., "failed": ...},
        "ack_ms": {"p50": ..., "p95": ..., "p99": ...},
        "in_flight": ...,
        "in_flight_limit": ...,
        "queue": {"messages": ..., "limit": ..., "bytes": ..., "oldest_s": ...},
        "receipts": {"pending": ..., "delivered": ..., "failed": ..., "unknown": ...},
        "client_rebuilds": ...,
    },
    "consume": {
        "totals": {"batches": ..., "messages": ..., "errors": ..., "retries": ..., "dead": ...},
        "per_s": {"messages": ..., "errors": ...},
        "consume_ms": {"p50": ..., "p99": ...},
        "lag": ...,
        "lag_s": ...,
        "groups": ...,
    },
    "errors": ...,
    "dead_letters": ...,
    "fleet": {"instances": ...},
    "process": {"rss_bytes": ..., "cpu_percent": ..., "loop_lag_ms": ..., "tasks": ...},
}
PARTITION = (
    "topic partition consumer state committed position end lag lag_s attempt next_retry_at job_running_s paused_by"
)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    service = Service()
    yield service
    await service.close()


def names(document: Any) -> Any:
    """A document with its values left out, but for the objects that were promised."""
    return {name: names(value) if isinstance(value, dict) and value else ... for name, value in document.items()}


def progress(state: Any = "running", **figures: Any) -> PartitionProgress:
    given = {"position": 10, "marked": 8, "committed": 5, "end": 20, "attempt": 0} | figures
    return PartitionProgress("demijohn", "example", 0, "SomeConsumer", state, **given)


def partitions(service: Service) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = service.snapshot.document()["consume"]["groups"][0]["partitions"]
    return found


def row(service: Service) -> dict[str, Any]:
    return partitions(service)[0]


def assign(service: Service, *partitions: TopicPartition) -> None:
    service.monitor.emit(PartitionsAssigned("demijohn", "l", frozenset(partitions)))


async def test_the_document_has_exactly_the_promised_names(service: Service) -> None:
    document = service.snapshot.document()
    document["produce"]["by_code"] = {}
    assert names(document) == PROMISED


async def test_what_is_not_known_is_null_and_never_zero(service: Service) -> None:
    service.kafka.reachable = None
    document = service.snapshot.document()
    assert document["broker"] == {"reachable": None, "kind": "kafka", "brokers": None, "version": None}
    assert document["produce"]["ack_ms"] == {"p50": None, "p95": None, "p99": None}
    assert document["produce"]["queue"]["oldest_s"] is None
    assert (document["consume"]["lag"], document["consume"]["lag_s"]) == (None, None)
    assert document["process"]["loop_lag_ms"] is None
    group = document["consume"]["groups"][0]
    assert (group["name"], group["state"], group["last_poll_s"], group["last_commit_s"]) == (
        "demijohn",
        "joining",
        None,
        None,
    )


async def test_produced_messages_are_counted_by_verdict_and_code(service: Service) -> None:
    emit = service.monitor.emit
    emit(MessagesAccepted(10, 1000))
    emit(MessagesSettled("example", 0, "delivered", None, 7, 4.0))
    emit(MessagesSettled("example", None, "failed", "unknown_topic", 2, 1.0))
    emit(MessagesSettled("example", 0, "unknown", "delivery_unknown", 1, 30_000.0))
    emit(ProducerRebuilt("p", "poisoned"))
    produce = service.snapshot.document()["produce"]
    assert (produce["accepted"], produce["delivered"], produce["failed"], produce["unknown"]) == (10, 7, 2, 1)
    assert produce["by_code"] == {"unknown_topic": 2, "delivery_unknown": 1}
    assert produce["ack_ms"] == {"p50": 4.0, "p95": 4.0, "p99": 4.0}
    assert produce["per_s"]["accepted"] == 10.0
    assert produce["client_rebuilds"] == 1


async def test_a_partition_shows_its_offsets_and_lag(service: Service) -> None:
    assign(service, AT)
    first_ms = int(time.time() * 1000) - 2600
    service.monitor.emit(progress(first_unmarked_timestamp_ms=first_ms))
    shown = row(service)
    assert list(shown) == PARTITION.split()
    assert (shown["committed"], shown["position"], shown["end"], shown["lag"]) == (5, 10, 20, 12)
    assert 2.6 <= shown["lag_s"] < 10
    document = service.snapshot.document()["consume"]
    assert document["lag"] == 12


async def test_a_partition_at_rest_is_not_described_anew_and_one_that_changes_is(service: Service) -> None:
    """Ten thousand partitions are shown in milliseconds, as most of them are at rest."""
    assign(service, AT, TopicPartition("example", 1))
    service.monitor.emit(progress())
    before = partitions(service)
    assert all(first is second for first, second in zip(before, partitions(service), strict=True))
    service.monitor.emit(OffsetsCommitted("demijohn", {AT: 9}, 1.0))
    changed, rested = partitions(service)
    assert (changed["committed"], before[0]["committed"]) == (9, 5)
    assert rested is before[1]
    service.monitor.emit(PartitionsRevoked("demijohn", "l", frozenset({AT})))
    assert [shown["state"] for shown in partitions(service)] == ["draining", "waiting"]


async def test_the_age_of_a_record_that_waits_is_told_anew_each_time(service: Service) -> None:
    assign(service, AT)
    service.monitor.emit(progress(first_unmarked_timestamp_ms=int(time.time() * 1000) - 1000))
    first = row(service)["lag_s"]
    await until(lambda: row(service)["lag_s"] > first, "it has become older")


async def test_at_the_end_the_lag_is_zero_and_before_a_fetch_unknown(service: Service) -> None:
    assign(service, AT)
    service.monitor.emit(progress(marked=20))
    assert (row(service)["lag"], row(service)["lag_s"]) == (0, 0.0)
    service.monitor.emit(progress(marked=None, committed=4))
    assert (row(service)["lag"], row(service)["lag_s"]) == (16, None)
    service.monitor.emit(progress(marked=None, committed=4, end=None))
    assert row(service)["lag"] is None


async def test_without_a_commit_the_lag_counts_from_where_reading_began(service: Service) -> None:
    assign(service, AT)
    service.monitor.emit(progress(marked=None, committed=None, position=None, end=None))
    assert row(service)["lag"] is None
    service.monitor.emit(progress(marked=None, committed=None, position=7, end=7))
    assert (row(service)["lag"], row(service)["lag_s"]) == (0, 0.0)
    service.monitor.emit(progress(marked=None, committed=None, position=9, end=10))
    assert row(service)["lag"] == 3


async def test_time_moving_backwards_gives_no_negative_lag(service: Service) -> None:
    assign(service, AT)
    service.monitor.emit(progress(end=3, first_unmarked_timestamp_ms=int(time.time() * 1000) + 60_000))
    assert (row(service)["lag"], row(service)["lag_s"]) == (0, 0.0)
    service.monitor.emit(progress(first_unmarked_timestamp_ms=int(time.time() * 1000) + 60_000))
    assert row(service)["lag_s"] == 0.0


async def test_a_failing_partition_is_retrying_with_a_reason_until_it_succeeds(service: Service) -> None:
    assign(service, AT)
    emit = service.monitor.emit
    next_at = datetime.now(UTC) + timedelta(seconds=2)
    emit(JobStarted("demijohn", "j", "SomeConsumer", "example", 0, 5, 9, 5, 3))
    assert row(service)["job_running_s"] is not None
    emit(JobFinished("demijohn", "j", "SomeConsumer", "example", 0, 5, 1.0, "failed", 0))
    emit(ErrorOccurred("consumer.consume", KeyError("id"), "demijohn", "example", 0, 5, 9, 3))
    emit(RetryScheduled("demijohn", "j", "SomeConsumer", "example", 0, 5, 3, 2000, next_at))
    shown = row(service)
    assert (shown["state"], shown["attempt"], shown["job_running_s"]) == ("retrying", 3, None)
    assert shown["next_retry_at"].endswith("Z")
    service_part = service.snapshot.document()["service"]
    assert service_part["health"] == "degraded"
    assert [(reason["code"], reason["detail"]) for reason in service_part["reasons"]] == [
        ("partition_retrying", "example-0 fails with KeyError, attempt 3")
    ]
    emit(JobStarted("demijohn", "k", "SomeConsumer", "example", 0, 5, 9, 5, 4))
    emit(JobFinished("demijohn", "k", "SomeConsumer", "example", 0, 5, 1.0, "done", 5))
    document = service.snapshot.document()
    assert document["service"]["health"] == "ok"
    assert document["consume"]["totals"] == {"batches": 2, "messages": 5, "errors": 1, "retries": 1, "dead": 0}


async def test_an_assignment_replaces_the_one_before(service: Service) -> None:
    other = TopicPartition("example", 1)
    assign(service, AT, other)
    service.monitor.emit(PartitionsRevoked("demijohn", "l", frozenset({AT, other})))
    assert row(service)["state"] == "draining"
    assign(service, other)
    service.monitor.emit(progress())
    group = service.snapshot.document()["consume"]["groups"][0]
    assert [shown["partition"] for shown in group["partitions"]] == [1]
    assert (group["assigned"], group["rebalances"]) == (1, 2)
    service.monitor.emit(GroupStateChanged("demijohn", "l", "stopped"))
    assert service.snapshot.document()["consume"]["groups"][0]["partitions"] == []


async def test_a_group_shows_when_it_last_polled_and_committed(service: Service) -> None:
    assign(service, AT)
    service.monitor.emit(PollReturned("demijohn", "f01618137d18", 1000.0))
    service.monitor.emit(OffsetsCommitted("demijohn", {AT: 42}, 6.0))
    service.monitor.emit(ClientRebuilt("demijohn", "died"))
    group = service.snapshot.document()["consume"]["groups"][0]
    assert 0 <= group["last_poll_s"] < 5
    assert 0 <= group["last_commit_s"] < 5
    assert group["client_rebuilds"] == 1
    assert row(service)["committed"] == 42


async def test_equal_errors_are_folded_and_the_last_twenty_kept(service: Service) -> None:
    for number in [*range(25), 24, 10]:
        service.monitor.emit(ErrorOccurred("commit", ValueError(number), group="demijohn"))
    errors = service.snapshot.document()["errors"]
    assert len(errors) == 20
    assert [(error["message"], error["count"]) for error in errors[:3]] == [("10", 2), ("24", 2), ("23", 1)]
    assert errors[0]["class"] == "builtins.ValueError"
    assert set(errors[0]) == {"at", "kind", "class", "message", "group", "topic", "partition", "offset", "count"}


async def test_an_error_whose_text_fails_or_is_odd_is_shown_all_the_same(service: Service) -> None:
    class Nasty(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    service.monitor.emit(ErrorOccurred("consumer.consume", Nasty()))
    service.monitor.emit(ErrorOccurred("consumer.consume", ValueError("\ud800")))
    assert (await service.http.get("/dashboard")).status_code == 200
    assert service.monitor.failures == 0


async def test_dead_letters_are_counted_by_topic(service: Service) -> None:
    for dlq in ("a.dlq", "a.dlq", None):
        service.monitor.emit(DeadLetterDispatched("demijohn", "j", "example", 0, 1, dlq, KeyError("x")))
    document = service.snapshot.document()
    assert [(entry["topic"], entry["dispatched"]) for entry in document["dead_letters"]] == [("a.dlq", 2)]
    assert document["consume"]["totals"]["dead"] == 3


async def test_kafka_away_is_unhealthy_and_says_since_when(service: Service) -> None:
    service.kafka.reachable = False
    event = BrokerUnreachable("no answer from kafka:9092")
    service.monitor.emit(event)
    shown = service.snapshot.document()["service"]
    assert shown["health"] == "unhealthy"
    assert shown["reasons"][0]["code"] == "broker_unreachable"
    assert shown["reasons"][0]["detail"] == "no answer from kafka:9092"


async def test_the_process_is_described(service: Service) -> None:
    service.monitor.emit(LoopLagMeasured(0.4))
    process = service.snapshot.document()["process"]
    assert process["rss_bytes"] > 10_000_000
    assert process["loop_lag_ms"] == 0.4
    assert process["tasks"] >= 1


async def test_a_lag_is_shown_long_enough_to_be_seen_by_a_page_that_refreshes(service: Service) -> None:
    service.monitor.emit(LoopLagMeasured(3000.0))
    for _ in range(9):
        service.monitor.emit(LoopLagMeasured(0.4))
    assert service.snapshot.document()["process"]["loop_lag_ms"] == 3000.0
    service.monitor.emit(LoopLagMeasured(0.4))
    assert service.snapshot.document()["process"]["loop_lag_ms"] == 0.4


async def test_the_longest_lag_since_the_last_scrape_is_in_the_metrics(service: Service) -> None:
    for lag_ms in (0.4, 3000.0, 0.5):
        service.monitor.emit(LoopLagMeasured(lag_ms, (0.1, lag_ms)))
    first = (await service.http.get("/metrics")).text
    assert "demijohn_event_loop_lag_seconds 3.0" in first
    assert 'demijohn_event_loop_delay_seconds_bucket{le="2.5"} 5.0' in first
    assert "demijohn_event_loop_delay_seconds_count 6.0" in first
    assert "demijohn_event_loop_lag_seconds 0.0005" in (await service.http.get("/metrics")).text


async def test_a_blocked_loop_is_a_reason_for_a_minute_and_a_note_after_that(service: Service) -> None:
    culprit = Culprit("app/consumers/payments.py:17", "PaymentsConsumer", "payments", 2)
    told = "blocked for 3.2 s by PaymentsConsumer on payments-2 (app/consumers/payments.py:17)"
    service.monitor.emit(LoopBlocked(3200.0, culprit))
    shown = service.snapshot.document()["service"]
    assert [reason["code"] for reason in shown["reasons"]].count("loop_blocked") == 1
    assert any(told in reason["detail"] for reason in shown["reasons"])
    service.monitor.emit(LoopBlocked(3200.0, culprit, at=datetime.now(UTC) - timedelta(minutes=2)))
    shown = service.snapshot.document()["service"]
    assert "loop_blocked" not in [reason["code"] for reason in shown["reasons"]]
    assert any(note["code"] == "loop_blocked" and told in note["detail"] for note in shown["notes"])
    metrics = (await service.http.get("/metrics")).text
    assert 'demijohn_event_loop_blocks_total{consumer="PaymentsConsumer"} 2.0' in metrics


def test_a_rate_is_over_the_last_minute() -> None:
    now = [100.0]
    rate = Rate(lambda: now[0])
    rate.add(30)
    assert rate.per_s == 30
    now[0] = 110.0
    rate.add(30)
    assert rate.per_s == 6
    now[0] = 159.9
    assert rate.per_s == pytest.approx(60 / 59.9)
    now[0] = 165.0
    assert rate.per_s == 0.5
    now[0] = 10_000.0
    assert rate.per_s == 0


def test_percentiles_are_of_the_latest_samples() -> None:
    samples = Samples()
    for value in range(3000):
        samples.add(float(value))
    assert samples.percentiles((50, 99)) == {"p50": 2487.0, "p99": 2989.0}
