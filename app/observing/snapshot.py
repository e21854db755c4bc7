"""The snapshot that the dashboard shows: kept by listening to events, read without touching a running loop."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from app import __version__
from app.events import (
    ApiKeysLoaded,
    BrokerReachable,
    BrokerUnreachable,
    EmbeddedBrokerStarted,
    LoopBlocked,
    LoopLagMeasured,
    Monitor,
    ServiceStateChanged,
    State,
    WarningRaised,
)
from app.observing.consume_figures import ConsumeFigures
from app.observing.error_groups import ErrorGroups
from app.observing.error_log import ErrorLog
from app.observing.group_figures import GroupFigures, rfc_3339
from app.observing.history import History, Standing
from app.observing.jobs import Jobs
from app.observing.lines import blocked_text
from app.observing.process import ProcessFigures
from app.observing.produce_figures import ProduceFigures
from app.observing.reasons import Sources
from app.routes.table import RoutingTable
from app.settings import Settings

SCHEMA_VERSION = 1
MAX_RETRYING_LISTED = 20
BLOCK_SHOWN_FOR = timedelta(minutes=1)
"""So long a blocked loop makes the service count as degraded; after that it is a note."""
LAG_EVERY_S = 15
GRAVE = frozenset({"broker_unreachable", "group_failed", "service_failed"})
"""With one of these reasons the service is unhealthy, with others degraded."""
Document = dict[str, Any]


class Snapshot:
    """Listens from its construction on; `document()` gives the whole as one JSON object."""

    def __init__(self, settings: Settings, table: RoutingTable, monitor: Monitor, sources: Sources) -> None:
        self._settings = settings
        self._sources = sources
        self._produce = ProduceFigures(settings, monitor)
        self._consume = ConsumeFigures(table, monitor)
        self._errors = ErrorLog(monitor)
        self._process = ProcessFigures()
        self._started_at = self._broker_since = datetime.now(UTC)
        self._state: State = "initializing"
        self._state_since = self._started_at
        self._broker_kind = "kafka"
        self._broker_detail = "no broker has answered yet"
        self._warnings: dict[str, str] = {}
        self._blocked: LoopBlocked | None = None
        self.jobs = Jobs(sources.instance, settings.consumer_concurrency, monitor)
        self.error_groups = ErrorGroups(sources.instance, monitor)
        self.history = History(self.standing)
        self._seconds = 0
        self._subscribe(monitor)

    def _subscribe(self, monitor: Monitor) -> None:
        monitor.subscribe(ServiceStateChanged, self._state_changed)
        monitor.subscribe(BrokerReachable, self._broker_reachable)
        monitor.subscribe(BrokerUnreachable, self._broker_unreachable)
        monitor.subscribe(EmbeddedBrokerStarted, self._embedded_broker_started)
        monitor.subscribe(WarningRaised, self._warning_raised)
        monitor.subscribe(ApiKeysLoaded, self._api_keys_loaded)
        monitor.subscribe(LoopLagMeasured, self._loop_lag_measured)
        monitor.subscribe(LoopBlocked, self._loop_blocked)

    @property
    def groups(self) -> list[GroupFigures]:
        """The groups of the table as they stand."""
        return list(self._consume.groups.values())

    def reason_codes(self) -> list[str]:
        """The code of every reason why the service is not in order now."""
        return [reason["code"] for reason in self._reasons()]

    def _state_changed(self, event: ServiceStateChanged) -> None:
        self._state, self._state_since = event.state, event.at

    def _broker_reachable(self, event: BrokerReachable) -> None:
        self._broker_since = event.at

    def _broker_unreachable(self, event: BrokerUnreachable) -> None:
        self._broker_since, self._broker_detail = event.at, event.reason

    def _embedded_broker_started(self, event: EmbeddedBrokerStarted) -> None:
        self._broker_kind = event.kind

    def _warning_raised(self, event: WarningRaised) -> None:
        self._warnings[event.code] = event.detail

    def _api_keys_loaded(self, _: ApiKeysLoaded) -> None:
        self._warnings.pop("api_keys_not_reloaded", None)

    def _loop_lag_measured(self, event: LoopLagMeasured) -> None:
        self._process.measured(event.lag_ms)
        self.jobs.second_passed()
        self.history.second_passed()
        self._seconds += 1
        if self._seconds % LAG_EVERY_S == 0:
            self._consume.remember_lags()

    def _loop_blocked(self, event: LoopBlocked) -> None:
        self._blocked = event

    def standing(self) -> Standing:
        """What was counted since the start, and how it stands."""
        process = self.process()
        lags = self._consume.lags(int(datetime.now(UTC).timestamp() * 1000))
        ages = [lag_s for _, lag_s in lags.values() if lag_s is not None]
        gauges = {
            "lag": sum(lag for lag, _ in lags.values()) if lags else None,
            "lag_s": max(ages, default=None),
            "rss_bytes": process["rss_bytes"],
            "cpu_percent": process["cpu_percent"],
        }
        return Standing(
            {**self._produce.totals(), **self._consume.totals()}, {**gauges, **self._produce.ack_ms()}, lags
        )

    def document(self) -> Document:
        """The snapshot as JSON values; numbers that are not known are None."""
        now = datetime.now(UTC)
        return {
            "schema_version": SCHEMA_VERSION,
            "generated_at": rfc_3339(now),
            "service": self.service(now),
            "broker": self._broker(),
            "produce": self.produce(),
            "consume": self._consume.document(now),
            "errors": self._errors.document(),
            "dead_letters": self._consume.dead_letters(),
            "fleet": {"instances": self._sources.instances()},
            "process": self.process(),
        }

    def produce(self) -> Document:
        """The `produce` part."""
        return self._produce.document(self._sources)

    def process(self) -> Document:
        """The `process` part: what this process uses."""
        return self._process.document()

    def consume_per_s(self) -> float:
        """Messages consumed a second, over the last minute."""
        return self._consume.messages_per_s

    def service(self, now: datetime) -> Document:
        """The `service` part: who this is and how it is."""
        reasons = list(self._reasons())
        notes = [{"code": code, "detail": detail} for code, detail in self._warnings.items()]
        notes += [{"code": note.code, "detail": note.detail} for note in self._sources.runtime.notes()]
        if self._blocked is not None:
            notes.append(
                {"code": "loop_blocked", "detail": f"{blocked_text(self._blocked)} (at {rfc_3339(self._blocked.at)})"}
            )
        return {
            "name": "demijohn",
            "version": __version__,
            "instance": self._sources.instance,
            "state": self._state,
            "health": _health(reasons),
            "reasons": reasons,
            "notes": notes,
            "started_at": rfc_3339(self._started_at),
            "uptime_s": round((now - self._started_at).total_seconds(), 3),
            "embedded_broker": self._settings.embedded,
        }

    def _broker(self) -> Document:
        cluster = self._sources.cluster
        brokers = cluster.brokers if cluster.reachable else None
        return {"reachable": cluster.reachable, "kind": self._broker_kind, "brokers": brokers, "version": None}

    def _reasons(self) -> Iterator[Document]:
        if self._state == "failed":
            yield _reason("service_failed", "the service could not go on", self._state_since)
        elif self._state != "running":
            yield _reason("not_running", f"the service is {self._state}", self._state_since)
        if not self._sources.cluster.reachable:
            yield _reason("broker_unreachable", self._broker_detail, self._broker_since)
        for reason in self._sources.runtime.ready_reasons():
            yield _reason(reason.code, reason.detail, reason.since)
        if self._blocked is not None and datetime.now(UTC) - self._blocked.at < BLOCK_SHOWN_FOR:
            yield _reason("loop_blocked", blocked_text(self._blocked), self._blocked.at)
        yield from self._retrying()

    def _retrying(self) -> Iterator[Document]:
        retrying = [row for group in self._consume.groups.values() for row in group.rows.values() if row.retrying_since]
        for row in sorted(retrying, key=lambda row: row.at)[:MAX_RETRYING_LISTED]:
            failure = self._errors.latest_class(row.at)
            named = f" with {failure}" if failure else ""
            since = row.retrying_since or self._started_at
            yield _reason("partition_retrying", f"{row.at} fails{named}, attempt {row.attempt}", since)


def _reason(code: str, detail: str, since: datetime | None) -> Document:
    return {"code": code, "detail": detail, "since": since and rfc_3339(since)}


def _health(reasons: list[Document]) -> str:
    if any(reason["code"] in GRAVE for reason in reasons):
        return "unhealthy"
    return "degraded" if reasons else "ok"
