"""What a fact is, and the monitor that hands facts to listeners."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

_log = logging.getLogger("demijohn.monitor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact, with the time it happened (aware, UTC)."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC), compare=False)


E_ = TypeVar("E_", bound=Event)
Handler = Callable[[Any], None]


class Monitor:
    """Hands each event to those who subscribed to its class, in order of subscription, at once.

    A handler that raises is logged and does not disturb the emitter or other handlers.
    """

    def __init__(self) -> None:
        self._handlers: dict[type[Event], list[Handler]] = {}
        self.failures = 0

    def subscribe(self, event_class: type[E_], handler: Callable[[E_], None]) -> None:
        """Calls `handler` with every event of exactly `event_class` from now on."""
        self._handlers.setdefault(event_class, []).append(handler)

    def listens(self, event_class: type[Event]) -> bool:
        """Whether anybody subscribed to `event_class`: ask before building a costly event."""
        return event_class in self._handlers

    def emit(self, event: Event) -> None:
        """Tells every subscriber of the event's class."""
        for handler in self._handlers.get(type(event), ()):
            try:
                handler(event)
            except Exception:
                self.failures += 1
                _log.exception("A listener failed on %s", type(event).__name__)
