"""What an operator would look at, in this order: each check says what is so, and what to do where it is wrong."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from app.api.cross_site import is_loopback
from app.api.services import Services
from app.observing.group_figures import GroupFigures
from app.settings import Settings, misspelled

State = Literal["ok", "warn", "bad", "unknown"]
MEMORY_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
NO_LIMIT_BYTES = 1 << 50
"""Version 1 of cgroups writes a number near 2^63 for none."""
MUCH, TOO_MUCH = 0.75, 0.9
LATE_MS, TOO_LATE_MS = 100.0, 1000.0
NAMED = 5
GROUP_REMEDIES = {
    "joining": "Wait for the join; if it lasts, look at the broker and at the other members of the group",
    "rebalancing": "Wait; if it lasts beyond CONSUMER_REBALANCE_TIMEOUT_MS, a member does not give back its partitions",
    "waiting_for_topics": "Create the topics that it names, or correct the table",
    "failed": "Read the reason, mend it, and restart this instance",
    "stopped": None,
}


@dataclass(frozen=True, slots=True)
class Check:
    """One answer. `remedy` is None where there is nothing to do."""

    name: str
    title: str
    state: State
    detail: str
    remedy: str | None = None

    def document(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "title": self.title,
            "state": self.state,
            "detail": self.detail,
            "remedy": self.remedy,
        }


class StatusChecks:
    """Checks the service that it is part of. None of the checks waits for anything."""

    def __init__(self, services: Services, limit_bytes: Callable[[], int | None] | None = None) -> None:
        self._services = services
        self._limit_bytes = limit_bytes or memory_limit_bytes

    def run(self) -> Iterator[Check]:
        """Every check, the most basic first: where one is bad, those after it may be bad because of it."""
        yield self._settings()
        yield self._keys()
        yield self._broker()
        yield self._topics()
        yield self._dead_letter_topics()
        yield self._producer()
        yield from (self._group(group) for group in self._services.snapshot.groups)
        process = self._services.snapshot.process()
        yield loop_check(process["loop_lag_ms"])
        yield memory_check(process["rss_bytes"], self._limit_bytes())
        yield self._fleet()

    def _settings(self) -> Check:
        title = "Settings"
        if names := misspelled(os.environ):
            listed = ", ".join(f"{name} (did you mean {meant}?)" for name, meant in names)
            return Check("settings", title, "warn", f"Not settings: {listed}", "Correct the names, then restart")
        changed = sum(
            getattr(self._services.settings, name) != field.default for name, field in Settings.model_fields.items()
        )
        return Check("settings", title, "ok", f"{changed} of {len(Settings.model_fields)} differ from their defaults")

    def _keys(self) -> Check:
        settings = self._services.settings
        title = "Who may call"
        if settings.http_api_keys_file is not None:
            warned = self._note("api_keys_not_reloaded")
            if warned is not None:
                return Check("keys", title, "warn", warned, "Correct the file: it is read again when it changes")
            return Check("keys", title, "ok", f"API keys of {settings.http_api_keys_file} are asked for")
        if is_loopback(settings.http_host):
            return Check("keys", title, "ok", "No API keys; only this machine can reach the service")
        detail = f"The service listens on {settings.http_host} and asks for no API key"
        return Check("keys", title, "warn", detail, "Set HTTP_API_KEYS_FILE, or keep strangers off the network")

    def _note(self, code: str) -> str | None:
        notes = self._services.snapshot.service(datetime.now(UTC))["notes"]
        return next((note["detail"] for note in notes if note["code"] == code), None)

    def _broker(self) -> Check:
        cluster, title = self._services.cluster, "Kafka"
        if cluster.reachable is None:
            return Check("broker", title, "unknown", "No broker has been asked yet")
        if cluster.reachable:
            return Check("broker", title, "ok", f"Brokers that answer: {cluster.brokers}")
        reasons = self._services.snapshot.service(datetime.now(UTC))["reasons"]
        detail = next((reason["detail"] for reason in reasons if reason["code"] == "broker_unreachable"), "no answer")
        remedy = "Check that the brokers run, KAFKA_BOOTSTRAP_SERVERS, the network, and KAFKA_SECURITY_PROTOCOL"
        return Check("broker", title, "bad", detail, remedy)

    def _topics(self) -> Check:
        missing = self._missing(self._services.table.plain_topics())
        if missing is None:
            return Check("topics", "Topics", "unknown", "Kafka has not told its topics yet")
        if missing:
            return Check("topics", "Topics", "warn", f"Not there: {_listed(missing)}", _create(missing))
        return Check("topics", "Topics", "ok", "Every topic that the table names is there")

    def _dead_letter_topics(self) -> Check:
        own = self._services.settings.http_async_dlq_topic
        missing = self._missing(self._services.table.dead_letter_topics() | ({own} - {""}))
        title = "Dead letter topics"
        if missing is None:
            return Check("dead_letter_topics", title, "unknown", "Kafka has not told its topics yet")
        if missing:
            detail = f"Not there: {_listed(missing)}: messages that keep failing wait until they are"
            return Check("dead_letter_topics", title, "bad", detail, _create(missing))
        return Check("dead_letter_topics", title, "ok", "Every DLQ topic is there")

    def _missing(self, wanted: frozenset[str]) -> list[str] | None:
        existing = self._services.cluster.topics()
        return sorted(wanted - existing.keys()) if existing or self._services.cluster.reachable else None

    def _producer(self) -> Check:
        produce, title = self._services.snapshot.produce(), "Producer"
        kept = self._services.settings.producer_client
        if kept != "kafka":
            detail = f"PRODUCER_CLIENT is {kept}: nothing that is produced reaches Kafka"
            return Check("producer", title, "warn", detail, "Unset PRODUCER_CLIENT: it is for tests")
        queue = produce["queue"]
        if queue["messages"] > MUCH * queue["limit"]:
            detail = f"{queue['messages']} of {queue['limit']} messages wait in its queue"
            return Check("producer", title, "warn", detail, "Kafka is slower than what comes in: send less, or scale")
        if failed := produce["per_s"]["failed"]:
            detail = f"{failed:g} messages a second failed in the last minute"
            return Check("producer", title, "warn", detail, "Look at the codes on the overview, and at Errors")
        if self._services.cluster.reachable is None:
            return Check("producer", title, "unknown", "Kafka has not answered yet")
        if not self._services.cluster.reachable:
            return Check("producer", title, "bad", "It cannot produce while Kafka is away", "See Kafka above")
        return Check("producer", title, "ok", f"Messages delivered since the start: {produce['delivered']}")

    def _group(self, group: GroupFigures) -> Check:
        name, title = f"group:{group.name}", f"Group {group.name}"
        if group.state != "stable":
            state: State = "bad" if group.state == "failed" else "unknown" if group.state == "stopped" else "warn"
            detail = f"{group.state.replace('_', ' ')}: {group.reason or 'no reason is known'}"
            return Check(name, title, state, detail, GROUP_REMEDIES[group.state])
        retrying = [str(row.at) for row in group.rows.values() if row.retrying_since]
        if retrying:
            detail = f"Waiting to retry ({len(retrying)}): {_listed(sorted(retrying))}"
            return Check(name, title, "warn", detail, "Errors shows what fails; a DLQ keeps one message from blocking")
        return Check(name, title, "ok", f"Partitions assigned to this instance: {len(group.rows)}")

    def _fleet(self) -> Check:
        fleet, title = self._services.fleet, "Fleet"
        if fleet.why_off is None:
            return Check("fleet", title, "ok", f"Instances that tell each other of themselves: {fleet.size}")
        if self._services.settings.embedded:
            return Check("fleet", title, "ok", f"This instance only: {fleet.why_off}")
        return Check("fleet", title, "warn", f"This instance only: {fleet.why_off}", "Look at each instance by itself")


def loop_check(lag_ms: float | None) -> Check:
    """Whether the event loop is in time. `lag_ms`: the longest delay of the last seconds."""
    title = "Event loop"
    if lag_ms is None:
        return Check("loop", title, "unknown", "It has not been measured yet")
    detail = f"At most {lag_ms:.1f} ms late in the last seconds"
    if lag_ms < LATE_MS:
        return Check("loop", title, "ok", detail)
    remedy = "The log names the line that blocks it: write that consumer as plain def, or await instead"
    return Check("loop", title, "warn" if lag_ms < TOO_LATE_MS else "bad", detail, remedy)


def memory_check(used_bytes: int | None, limit_bytes: int | None) -> Check:
    """Whether there is memory left, as far as a limit is set."""
    title = "Memory"
    if used_bytes is None:
        return Check("memory", title, "unknown", "The system does not tell")
    used = f"{used_bytes / 1e6:.0f} MB"
    if limit_bytes is None:
        return Check("memory", title, "ok", f"{used}; no limit is set")
    share = used_bytes / limit_bytes
    detail = f"{used} of {limit_bytes / 1e6:.0f} MB, {100 * share:.0f} %"
    if share < MUCH:
        return Check("memory", title, "ok", detail)
    remedy = "Raise the limit, or lower CONSUMER_MAX_FETCH_BYTES, PRODUCER_QUEUE_BYTES or HTTP_MAX_IN_FLIGHT_BYTES"
    return Check("memory", title, "warn" if share < TOO_MUCH else "bad", detail, remedy)


def memory_limit_bytes() -> int | None:
    """What the container may use; None where no limit is set or known."""
    for path in MEMORY_LIMITS:
        try:
            limit = int(path.read_text())
        except (OSError, ValueError):
            continue
        return limit if limit < NO_LIMIT_BYTES else None
    return None


def status_document(checks: StatusChecks) -> Mapping[str, Any]:
    """The members of the page's document."""
    return {"checks": [check.document() for check in checks.run()]}


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _create(missing: list[str]) -> str:
    return f"Create them, for example with kafka-topics --create --topic {missing[0]}, or set KAFKA_CREATE_TOPICS=true"
