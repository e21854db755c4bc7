"""`/health/live` and `/health/ready`: whether to restart this instance, whether to send it requests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from app.api.replies import Reply
from app.api.services import Services
from app.events import ServiceStateChanged
from app.observing.group_figures import rfc_3339
from app.observing.reasons import Reason


@dataclass(frozen=True, slots=True)
class Impediment:
    """A reason of the HTTP side's own. `since` is aware, UTC."""

    code: str
    detail: str
    since: datetime = field(default_factory=lambda: datetime.now(UTC))


class Health:
    """Answers both questions from what is known, without asking Kafka."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._state_since = datetime.now(UTC)
        services.monitor.subscribe(ServiceStateChanged, self._state_changed)

    def _state_changed(self, event: ServiceStateChanged) -> None:
        self._state_since = event.at

    def live(self) -> Reply:
        """200 while no consumer group is beyond repair, also with Kafka away."""
        reasons = self._services.runtime.live_reasons()
        if reasons:
            return _answer(503, {"status": "not_live", "reasons": _listed(reasons)})
        return _answer(200, {"status": "live"})

    def ready(self) -> Reply:
        """200 only if messages can be produced now and every group works."""
        notes = [{"code": note.code, "detail": note.detail} for note in self._services.runtime.notes()]
        reasons = self.reasons()
        if reasons:
            return _answer(503, {"status": "not_ready", "reasons": _listed(reasons), "notes": notes})
        return _answer(200, {"status": "ready", "notes": notes})

    def reasons(self) -> list[Reason]:
        """Why the service is not ready; none when it is."""
        return [*self._own_reasons(), *self._services.runtime.ready_reasons()]

    def _own_reasons(self) -> Iterator[Reason]:
        services = self._services
        state = services.state.state
        if services.state.draining:
            yield Impediment("draining", f"the service is on its way out ({state})", self._state_since)
        elif state != "running":
            yield Impediment("starting", f"the service is {state}", self._state_since)
        if services.cluster.reachable is None:
            yield Impediment("broker_unreachable", "no broker has answered yet", self._state_since)
        elif not services.cluster.reachable:
            since = datetime.now(UTC) - timedelta(seconds=services.cluster.unreachable_for_s)
            yield Impediment("broker_unreachable", f"no broker answers: {services.cluster.last_error}", since)
        if services.producer.status != "open" and not services.state.draining:
            yield Impediment("producer_closed", "the producer takes no more messages", self._state_since)


def _listed(reasons: Sequence[Reason]) -> list[dict[str, Any]]:
    return [
        {"code": reason.code, "detail": reason.detail, "since": reason.since and rfc_3339(reason.since)}
        for reason in reasons
    ]


def _answer(status: int, document: dict[str, Any]) -> Reply:
    return Reply(status, orjson.dumps(document), headers=((b"cache-control", b"no-store"),))
