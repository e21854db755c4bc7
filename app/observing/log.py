"""The log: a listener that writes a line for each event that an operator wants to read."""

from __future__ import annotations

import logging
from typing import Any

from app.events import (
    ApiKeysLoaded,
    BrokerReachable,
    BrokerUnreachable,
    ClientRebuilt,
    CommitFailed,
    DeadLetterDispatched,
    EmbeddedBrokerStarted,
    ErrorOccurred,
    GroupStateChanged,
    GroupSubscribed,
    JobFinished,
    JobStarted,
    LoopBlocked,
    LoopLagMeasured,
    LoopStuck,
    MessageProducedAsync,
    MessageProducedSync,
    MessagesPolled,
    MessagesProducedAsync,
    MessagesProducedSync,
    MessagesSettled,
    Monitor,
    PartitionsAssigned,
    PartitionsRevoked,
    PollReturned,
    PositionReset,
    ProducerClosed,
    ProducerClosing,
    ProducerRebuilt,
    QueueFullWaited,
    RequestRefused,
    RetryScheduled,
    ServiceStateChanged,
    TopicCreated,
    TopicCreatedAnew,
    TopicsMissing,
    WarningRaised,
)
from app.observing.lines import blocked_text, counted, partitions_text, payload_text
from app.observing.operator_log import OperatorLines
from app.observing.sampling import Sampler
from app.observing.transaction_log import TransactionLines


class LogLines:
    """Writes to the logger `demijohn`. Keys and headers are in no line; payloads only with LOG_PAYLOADS."""

    def __init__(self, monitor: Monitor, logger: logging.Logger | None = None) -> None:
        self._log = logger or logging.getLogger("demijohn")
        self._sampler = Sampler()
        self._polled: set[str] = set()
        """Groups that got records since they were last told of."""
        self._subscribe_service(monitor)
        self._subscribe_producer(monitor)
        self._subscribe_groups(monitor)
        TransactionLines(monitor, self._log, self._sampler)
        OperatorLines(monitor, self._log)

    def _subscribe_service(self, monitor: Monitor) -> None:
        monitor.subscribe(ServiceStateChanged, self._state_changed)
        monitor.subscribe(WarningRaised, lambda event: self._log.warning("%s (%s)", event.detail, event.code))
        monitor.subscribe(EmbeddedBrokerStarted, lambda event: self._log.info("%s", event.description))
        monitor.subscribe(BrokerReachable, self._broker_reachable)
        monitor.subscribe(BrokerUnreachable, lambda event: self._log.warning("Kafka is away: %s", event.reason))
        monitor.subscribe(TopicCreated, self._topic_created)
        monitor.subscribe(ErrorOccurred, self._error_occurred)
        monitor.subscribe(LoopLagMeasured, self._second_passed)
        monitor.subscribe(LoopBlocked, lambda event: self._log.warning("%s", blocked_text(event)))
        monitor.subscribe(LoopStuck, lambda event: self._log.error("%s", blocked_text(event)))
        monitor.subscribe(RequestRefused, self._request_refused)
        monitor.subscribe(ApiKeysLoaded, self._api_keys_loaded)

    def _subscribe_producer(self, monitor: Monitor) -> None:
        if self._log.isEnabledFor(logging.INFO):
            monitor.subscribe(MessageProducedSync, self._message_produced_sync)
            monitor.subscribe(MessageProducedAsync, self._message_produced_async)
        monitor.subscribe(MessagesProducedSync, self._messages_produced_sync)
        monitor.subscribe(MessagesProducedAsync, self._messages_produced_async)
        monitor.subscribe(MessagesSettled, self._messages_settled)
        monitor.subscribe(QueueFullWaited, self._queue_full_waited)
        monitor.subscribe(ProducerRebuilt, self._producer_rebuilt)
        monitor.subscribe(ProducerClosing, lambda event: self._log.info("[%s] Closing the producer", event.producer_id))
        monitor.subscribe(ProducerClosed, self._producer_closed)

    def _subscribe_groups(self, monitor: Monitor) -> None:
        monitor.subscribe(GroupStateChanged, self._group_state_changed)
        monitor.subscribe(GroupSubscribed, self._group_subscribed)
        monitor.subscribe(TopicsMissing, self._topics_missing)
        monitor.subscribe(PartitionsAssigned, self._partitions_assigned)
        monitor.subscribe(PartitionsRevoked, self._partitions_revoked)
        monitor.subscribe(PollReturned, self._poll_returned)
        monitor.subscribe(MessagesPolled, self._messages_polled)
        monitor.subscribe(JobStarted, self._job_started)
        monitor.subscribe(JobFinished, self._job_finished)
        monitor.subscribe(RetryScheduled, self._retry_scheduled)
        monitor.subscribe(DeadLetterDispatched, self._dead_letter_dispatched)
        monitor.subscribe(CommitFailed, self._commit_failed)
        monitor.subscribe(PositionReset, self._position_reset)
        monitor.subscribe(TopicCreatedAnew, self._topic_created_anew)
        monitor.subscribe(ClientRebuilt, self._client_rebuilt)

    def _sampled(self, kind: str, topic: str, text: str, *values: Any) -> None:
        if self._sampler.passes(kind, topic):
            self._log.info(text, *values)

    def _second_passed(self, _: LoopLagMeasured) -> None:
        for kind, topic, lines in self._sampler.next_second():
            self._log.info("... and %s more on %s in the last second: %s", lines, topic, kind)

    def _state_changed(self, event: ServiceStateChanged) -> None:
        self._log.info("The service is %s%s", event.state, f": {event.reason}" if event.reason else "")

    def _broker_reachable(self, event: BrokerReachable) -> None:
        self._log.info("Kafka answers: %s", counted(event.brokers, "broker"))

    def _topic_created(self, event: TopicCreated) -> None:
        partitions = counted(event.partitions, "partition") if event.partitions > 0 else "the brokers' partitions"
        self._log.info("Created topic %s with %s", event.topic, partitions)

    def _error_occurred(self, event: ErrorOccurred) -> None:
        error = event.error
        place = error_place(event)
        self._log.error("%s failed%s", event.kind, place, exc_info=(type(error), error, error.__traceback__))

    def _request_refused(self, event: RequestRefused) -> None:
        if self._sampler.passes("HTTP request refused", event.code):
            self._log.warning("HTTP request refused: %s", event.code)

    def _api_keys_loaded(self, event: ApiKeysLoaded) -> None:
        self._log.info("%s has changed: %s in force", event.path, counted(event.keys, "API key"))

    def _message_produced_sync(self, event: MessageProducedSync) -> None:
        self._sampled(
            "Sync producing of a message",
            event.topic,
            "[%s] Sync producing of a message to '%s' topic took %.2f ms%s",
            event.producer_id,
            event.topic,
            event.took_ms,
            payload_text(event.payload),
        )

    def _message_produced_async(self, event: MessageProducedAsync) -> None:
        self._sampled(
            "Message delegated to a dispatch queue",
            event.topic,
            "[%s] Message to '%s' topic was delegated to a dispatch queue%s",
            event.producer_id,
            event.topic,
            payload_text(event.payload),
        )

    def _messages_produced_sync(self, event: MessagesProducedSync) -> None:
        self._sampled(
            "Sync producing of messages",
            "all topics",
            "[%s] Sync producing of %d messages to %d topics took %.2f ms",
            event.producer_id,
            event.messages,
            event.topics,
            event.took_ms,
        )

    def _messages_produced_async(self, event: MessagesProducedAsync) -> None:
        self._sampled(
            "Messages delegated to a dispatch queue",
            "all topics",
            "[%s] %d messages to %d topics were delegated to a dispatch queue",
            event.producer_id,
            event.messages,
            event.topics,
        )

    def _messages_settled(self, event: MessagesSettled) -> None:
        if event.status == "delivered":
            return
        if self._sampler.passes(f"Delivery {event.status} ({event.code})", event.topic):
            fate = "were not delivered" if event.status == "failed" else "may or may not be stored"
            number = counted(event.messages, "message")
            self._log.warning("%s to '%s' topic %s: %s", number, event.topic, fate, event.code)

    def _queue_full_waited(self, event: QueueFullWaited) -> None:
        if self._sampler.passes("Waited for room in the queue", "all topics"):
            end = "got none" if event.refused else "got some"
            self._log.warning("Waited %.0f ms for room in the dispatch queue and %s", event.waited_ms, end)

    def _producer_rebuilt(self, event: ProducerRebuilt) -> None:
        self._log.warning("[%s] The producer's client was replaced: %s", event.producer_id, event.reason)

    def _producer_closed(self, event: ProducerClosed) -> None:
        self._log.info("[%s] The producer is closed after %.0f ms", event.producer_id, event.took_ms)
        for topic, messages in sorted(event.undelivered.items()):
            number = counted(messages, "message")
            self._log.error("[%s] Not delivered at closing: %s to '%s' topic", event.producer_id, number, topic)

    def _group_state_changed(self, event: GroupStateChanged) -> None:
        reason = f": {event.reason}" if event.reason else ""
        level = logging.ERROR if event.state == "failed" else logging.INFO
        self._log.log(level, "[%s] Group %s is %s%s", event.listener_id, event.group, event.state, reason)

    def _group_subscribed(self, event: GroupSubscribed) -> None:
        topics = ", ".join(event.topics)
        self._log.info("[%s] Group %s subscribing to topics: %s", event.listener_id, event.group, topics)

    def _topics_missing(self, event: TopicsMissing) -> None:
        if event.topics:
            self._log.warning("Group %s waits for topics that do not exist: %s", event.group, ", ".join(event.topics))
        else:
            self._log.info("All topics of group %s exist", event.group)

    def _partitions_assigned(self, event: PartitionsAssigned) -> None:
        text = partitions_text(event.partitions) or "nothing"
        self._log.info("[%s] Group %s rebalance: %s assigned", event.listener_id, event.group, text)

    def _partitions_revoked(self, event: PartitionsRevoked) -> None:
        if event.partitions:
            text = partitions_text(event.partitions)
            self._log.info("[%s] Group %s rebalance: %s revoked", event.listener_id, event.group, text)

    def _poll_returned(self, event: PollReturned) -> None:
        if event.group not in self._polled:
            self._log.debug("[%s] Polled 0 messages in %.2fms", event.listener_id, event.took_ms)
        self._polled.discard(event.group)
        self._log.debug("[%s] Polling messages...", event.listener_id)

    def _messages_polled(self, event: MessagesPolled) -> None:
        self._polled.add(event.group)
        self._sampled(
            "Polled messages",
            event.topic,
            "[%s] Polled %d messages in %.2fms from %s-%d of group %s",
            event.listener_id,
            event.messages,
            event.took_ms,
            event.topic,
            event.partition,
            event.group,
        )

    def _job_started(self, event: JobStarted) -> None:
        self._sampled(
            f"Consume job for {event.consumer} started",
            event.topic,
            "[%s] Consume job for %s on %s-%d started",
            event.job_id,
            event.consumer,
            event.topic,
            event.partition,
        )

    def _job_finished(self, event: JobFinished) -> None:
        ending = "finished" if event.outcome == "done" else event.outcome
        self._sampled(
            f"Consume job for {event.consumer} {ending}",
            event.topic,
            "[%s] Consume job for %s on %s-%d %s in %.2f ms%s",
            event.job_id,
            event.consumer,
            event.topic,
            event.partition,
            ending,
            event.took_ms,
            f" [{', '.join(event.tags)}]" if event.tags else "",
        )

    def _retry_scheduled(self, event: RetryScheduled) -> None:
        self._log.info(
            "[%s] Retrying of %s after %d ms on topic %s-%d from offset %d",
            event.job_id,
            event.consumer,
            event.pause_ms,
            event.topic,
            event.partition,
            event.offset,
        )

    def _dead_letter_dispatched(self, event: DeadLetterDispatched) -> None:
        at = f"{event.topic}-{event.partition}"
        if event.dlq_topic is None:
            self._log.warning("[%s] Skipped message %d from %s: it has no DLQ topic", event.job_id, event.offset, at)
        else:
            text = "[%s] Dispatched message %d from %s to DLQ topic: %s"
            self._log.info(text, event.job_id, event.offset, at, event.dlq_topic)

    def _commit_failed(self, event: CommitFailed) -> None:
        text = "A commit of group %s did not succeed, what it covers may be delivered again: %s"
        self._log.warning(text, event.group, event.reason)

    def _position_reset(self, event: PositionReset) -> None:
        text = "Position %d of %s-%d was trimmed away: going on at %d, %d records lost"
        if event.new < event.old:
            text = "Position %d of %s-%d is beyond the end of the log: going on at %d, %d records lost"
        self._log.warning(
            text,
            event.old,
            event.topic,
            event.partition,
            event.new,
            event.lost,
        )

    def _topic_created_anew(self, event: TopicCreatedAnew) -> None:
        text = "[%s] Topic %s was deleted and created anew: group %s reads it from its beginning"
        self._log.warning(text, event.listener_id, event.topic, event.group)

    def _client_rebuilt(self, event: ClientRebuilt) -> None:
        self._log.warning("The client of group %s was replaced: %s", event.group, event.reason)


def error_place(event: ErrorOccurred) -> str:
    """Where an error happened, as far as that is known: consumer, partition, offsets, attempt."""
    parts = []
    if event.consumer:
        parts.append(f" in {event.consumer}")
    if event.topic is not None:
        parts.append(f" on {event.topic}" + (f"-{event.partition}" if event.partition is not None else ""))
    if event.first_offset is not None:
        parts.append(f", offsets {event.first_offset} to {event.last_offset}")
    if event.attempt is not None:
        parts.append(f", attempt {event.attempt}")
    if event.group:
        parts.append(f" (group {event.group})")
    return "".join(parts)
