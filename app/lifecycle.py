"""The one table of the service's states. Steps go forward only, and each is announced."""

from __future__ import annotations

from app.events import Monitor, ServiceStateChanged, State

ORDER: tuple[State, ...] = ("initializing", "starting", "running", "quieting", "quiet", "stopping", "stopped")
DRAINING: frozenset[State] = frozenset({"quieting", "quiet", "stopping", "stopped", "failed"})


class Lifecycle:
    """Where the service stands in its life."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._state: State = "initializing"

    @property
    def state(self) -> State:
        return self._state

    @property
    def draining(self) -> bool:
        """Whether the service is on its way out: not ready, and soon not taking new calls."""
        return self._state in DRAINING

    def advance(self, state: State, reason: str | None = None) -> bool:
        """Goes on to `state` and announces it; False, and nothing happens, where that would be a step back."""
        if not self._may_become(state):
            return False
        self._state = state
        self._monitor.emit(ServiceStateChanged(state, reason))
        return True

    def _may_become(self, state: State) -> bool:
        if self._state in ("stopped", "failed"):
            return False
        return state == "failed" or ORDER.index(state) > ORDER.index(self._state)
