"""What operators have done through this instance, the last 200 times."""

from __future__ import annotations

from collections import deque
from typing import Any

from app.events import Monitor, OperatorActed
from app.observing.group_figures import rfc_3339

KEPT = 200


class Audit:
    """Listens from its construction on. What is older is in the log."""

    def __init__(self, monitor: Monitor) -> None:
        self._kept: deque[OperatorActed] = deque(maxlen=KEPT)
        monitor.subscribe(OperatorActed, self._kept.append)

    def rows(self) -> list[dict[str, Any]]:
        """One object for each action, the latest first."""
        return [
            {
                "at": rfc_3339(event.at),
                "by": event.by,
                "action": event.action,
                "target": event.target,
                "outcome": event.outcome,
                "detail": event.detail,
            }
            for event in reversed(self._kept)
        ]
