"""Metrics for Prometheus. Events are counted in plain tables; only a scrape makes metrics of them.

Labels are bounded: routes are templates, topics those that the table's groups are assigned or dispatch to.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from app.events import (
    BufferFlushed,
    ClientRebuilt,
    CommitFailed,
    DeadLetterDispatched,
    ErrorOccurred,
    JobFinished,
    LoopBlocked,
    LoopLagMeasured,
    MessagesSettled,
    Monitor,
    OperatorActed,
    PartitionsAssigned,
    PositionReset,
    ProducerRebuilt,
    RedriveEnded,
    RequestRefused,
    RetryScheduled,
    TransactionAborted,
    TransactionCommitted,
)
from app.observing.partition_gauges import with_partitions
from app.observing.reasons import Sources
from app.observing.snapshot import Snapshot
from app.settings import Settings

PREFIX = "demijohn_"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
Labels = tuple[str, ...]


class Histogram:
    """Counts of durations by bucket, and their sum, in seconds."""

    __slots__ = ("counts", "total_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(SECONDS) + 1)
        self.total_s = 0.0

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(SECONDS, seconds)] += 1
        self.total_s += seconds

    def add(self, other: Histogram) -> None:
        self.counts = [mine + others for mine, others in zip(self.counts, other.counts, strict=True)]
        self.total_s += other.total_s

    def buckets(self) -> list[tuple[str, float]]:
        """(upper bound, how many are not above it), as Prometheus wants them."""
        bounds = [*(repr(bound) for bound in SECONDS), "+Inf"]
        passed, rows = 0, []
        for bound, count in zip(bounds, self.counts, strict=True):
            passed += count
            rows.append((bound, float(passed)))
        return rows


class Metrics(Collector):
    """Listens from its construction on. `exposition` writes all of it, and what the process uses."""

    def __init__(self, settings: Settings, snapshot: Snapshot, sources: Sources, monitor: Monitor) -> None:
        self._settings = settings
        self._snapshot = snapshot
        self._sources = sources
        self._counters: dict[str, Counter[Labels]] = {name: Counter() for name in COUNTERS}
        self._histograms: dict[str, dict[Labels, Histogram]] = {name: {} for name in HISTOGRAMS}
        self._requests: dict[tuple[str, str, int], Histogram] = {}
        self._loop_lag_s: float | None = None
        self._longest_loop_lag_s: float | None = None
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)
        self._subscribe(monitor)

    def _subscribe(self, monitor: Monitor) -> None:
        monitor.subscribe(MessagesSettled, self._messages_settled)
        monitor.subscribe(RequestRefused, lambda event: self._count("http_refused", event.code))
        monitor.subscribe(ProducerRebuilt, lambda _: self._count("client_rebuilds", "producer"))
        monitor.subscribe(ClientRebuilt, lambda event: self._count("client_rebuilds", f"group:{event.group}"))
        monitor.subscribe(BufferFlushed, lambda event: self._count("produce_buffer_flushes"))
        monitor.subscribe(TransactionCommitted, lambda _: self._count("produce_transactions", "committed"))
        monitor.subscribe(TransactionAborted, lambda event: self._count("produce_transactions", event.outcome))
        monitor.subscribe(JobFinished, self._job_finished)
        monitor.subscribe(ErrorOccurred, self._error_occurred)
        monitor.subscribe(RetryScheduled, lambda event: self._count("consume_retries", event.group, event.topic))
        monitor.subscribe(DeadLetterDispatched, lambda event: self._count("dead_letters", event.dlq_topic or ""))
        monitor.subscribe(PartitionsAssigned, lambda event: self._count("rebalances", event.group))
        monitor.subscribe(CommitFailed, lambda event: self._count("commit_failures", event.group))
        monitor.subscribe(PositionReset, self._position_reset)
        monitor.subscribe(OperatorActed, lambda event: self._count("operator_actions", event.action, event.outcome))
        monitor.subscribe(RedriveEnded, self._redrive_ended)
        monitor.subscribe(LoopLagMeasured, self._loop_lag_measured)
        monitor.subscribe(LoopBlocked, self._loop_blocked)

    def _count(self, name: str, *labels: str, by: int = 1) -> None:
        self._counters[name][labels] += by

    def _observe(self, name: str, seconds: float, *labels: str) -> None:
        histograms = self._histograms[name]
        histogram = histograms.get(labels)
        if histogram is None:
            histogram = histograms[labels] = Histogram()
        histogram.observe(seconds)

    def request_answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """One HTTP request was answered; `route` is the path's template."""
        key = (route, method, status)
        histogram = self._requests.get(key)
        if histogram is None:
            histogram = self._requests[key] = Histogram()
        histogram.observe(seconds)

    def _messages_settled(self, event: MessagesSettled) -> None:
        self._count("produce_messages", event.status, event.code or "", by=event.messages)
        self._observe("produce_delivery_seconds", event.latency_ms / 1000)

    def _job_finished(self, event: JobFinished) -> None:
        if event.done:
            self._count("consume_messages", event.group, event.topic, by=event.done)
        self._observe("consume_batch_seconds", event.took_ms / 1000, event.group, event.topic)

    def _error_occurred(self, event: ErrorOccurred) -> None:
        self._count("consume_errors", event.group or "", event.topic or "", event.kind)

    def _position_reset(self, event: PositionReset) -> None:
        self._count("consume_gap_records", event.group, event.topic, by=event.lost)

    def _redrive_ended(self, event: RedriveEnded) -> None:
        if not event.dry_run:
            outcomes = {"sent": event.done, "skipped": event.skipped, "failed": event.failed}
            for outcome, messages in outcomes.items():
                self._count("redriven_messages", event.topic, outcome, by=messages)

    def _loop_lag_measured(self, event: LoopLagMeasured) -> None:
        self._loop_lag_s = event.lag_ms / 1000
        self._longest_loop_lag_s = max(self._longest_loop_lag_s or 0.0, self._loop_lag_s)
        for lag_ms in event.samples_ms:
            self._observe("event_loop_delay_seconds", lag_ms / 1000)

    def _loop_blocked(self, event: LoopBlocked) -> None:
        consumer = event.culprit.consumer if event.culprit else None
        self._count("event_loop_blocks", consumer or "")

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """(text, content type) in the format that the Accept header asks for."""
        encoder, content_type = choose_encoder(accept)
        text = encoder(self._registry)
        return with_partitions(text, PREFIX, self._snapshot.groups, int(time.time() * 1000)), content_type

    def describe(self) -> Iterator[Metric]:
        """Nothing: the registry asks at registration, when there is nothing to collect from yet."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Everything but the partitions as metrics, for one scrape."""
        yield from self._requests_answered()
        yield from self._counted()
        yield from self._timed()
        yield from self._produce_gauges()
        yield from self._loop_gauge()
        yield _gauge(
            "fleet_instances", "Instances of the service that live, this one included", self._sources.instances()
        )
        yield _gauge("event_loop_tasks", "Tasks of the event loop that have not ended", len(asyncio.all_tasks()))
        yield self._health_reasons()

    def _health_reasons(self) -> GaugeMetricFamily:
        reasons = GaugeMetricFamily(PREFIX + "health_reasons", "Why the service is not in order", labels=["code"])
        for code, count in Counter(self._snapshot.reason_codes()).items():
            reasons.add_metric([code], count)
        return reasons

    def _loop_gauge(self) -> Iterator[Metric]:
        """The longest lag since the last scrape: a block between two scrapes is in one of them."""
        longest, self._longest_loop_lag_s = self._longest_loop_lag_s, None
        lag_s = self._loop_lag_s if longest is None else longest
        if lag_s is not None:
            text = "The most that the event loop was late with a timer since the last scrape"
            yield _gauge("event_loop_lag_seconds", text, lag_s)

    def _requests_answered(self) -> Iterator[Metric]:
        """Requests are counted once, by status too, and told twice."""
        total = CounterMetricFamily(
            PREFIX + "http_requests", "HTTP requests answered", labels=["route", "method", "status"]
        )
        seconds = HistogramMetricFamily(
            PREFIX + "http_request_seconds", "From a request's head to its answer", labels=["route", "method"]
        )
        by_route: dict[Labels, Histogram] = {}
        for (route, method, status), histogram in self._requests.items():
            total.add_metric((route, method, str(status)), sum(histogram.counts))
            by_route.setdefault((route, method), Histogram()).add(histogram)
        for labels, histogram in by_route.items():
            seconds.add_metric(labels, histogram.buckets(), histogram.total_s)
        yield from (total, seconds)

    def _counted(self) -> Iterator[Metric]:
        for name, (text, labels) in COUNTERS.items():
            counter = CounterMetricFamily(PREFIX + name, text, labels=labels)
            for values, count in self._counters[name].items():
                counter.add_metric(values, count)
            yield counter

    def _timed(self) -> Iterator[Metric]:
        for name, (text, labels) in HISTOGRAMS.items():
            family = HistogramMetricFamily(PREFIX + name, text, labels=labels)
            for values, histogram in self._histograms[name].items():
                family.add_metric(values, histogram.buckets(), histogram.total_s)
            yield family

    def _produce_gauges(self) -> Iterator[Metric]:
        producer = self._sources.producer
        ratio = max(
            producer.queue_messages / self._settings.producer_queue_messages,
            producer.queue_bytes / self._settings.producer_queue_bytes,
        )
        yield _gauge("produce_in_flight", "Accepted messages without a verdict", producer.in_flight)
        yield _gauge("produce_queue_ratio", "How full the queue of async calls is, 0 to 1", ratio)
        receipts = GaugeMetricFamily(PREFIX + "receipts", "Receipts kept", labels=["status"])
        for status, count in self._sources.receipts().items():
            receipts.add_metric([status], count)
        yield receipts


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, text, value=value)


COUNTERS: Mapping[str, tuple[str, Sequence[str]]] = {
    "http_refused": ("HTTP requests refused because of load, state or what the caller may do", ("code",)),
    "produce_messages": ("Messages with a verdict", ("outcome", "code")),
    "produce_transactions": ("Transactions that ended", ("outcome",)),
    "produce_buffer_flushes": ("Flushes of the buffer", ()),
    "consume_messages": ("Messages that consumers have handled", ("group", "topic")),
    "consume_errors": ("Errors", ("group", "topic", "kind")),
    "consume_retries": ("Retries scheduled", ("group", "topic")),
    "consume_gap_records": ("Records that were trimmed away before they were read", ("group", "topic")),
    "dead_letters": ("Messages given up; no topic: skipped", ("topic",)),
    "rebalances": ("Assignments received", ("group",)),
    "commit_failures": ("Commits that did not succeed", ("group",)),
    "client_rebuilds": ("Kafka clients replaced", ("client",)),
    "operator_actions": ("What operators did from the dashboard", ("action", "outcome")),
    "redriven_messages": ("Dead letters that operators sent back, once their redrive is over", ("topic", "outcome")),
    "event_loop_blocks": (
        "Times that the event loop did not turn for a second; no consumer: other code",
        ("consumer",),
    ),
}
"""Name without prefix and `_total`, to help text and labels."""
HISTOGRAMS: Mapping[str, tuple[str, Sequence[str]]] = {
    "produce_delivery_seconds": ("From acceptance to the verdict", ()),
    "consume_batch_seconds": ("One run of a consumer", ("group", "topic")),
    "event_loop_delay_seconds": ("How late the event loop was with each of its timers, 20 a second", ()),
}
