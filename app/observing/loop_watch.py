"""Looks at the event loop from outside: a loop that is blocked cannot say by what."""

from __future__ import annotations

import sys
import threading
import time

from app.events import Culprit, LoopStuck, Monitor
from app.observing.culprits import culprit_of

BLOCKED_S = 1.0
"""A loop that has not turned for this long counts as blocked: one third of a heartbeat's interval."""
STUCK_S = 5.0
"""After this long it is said while the loop is still blocked: it may never turn again."""
LOOK_AGAIN_S = 0.25


class LoopWatch:
    """A daemon thread that samples the stack of the loop's thread once the loop has not turned for `blocked_s`.

    Code that keeps the interpreter to itself (a regular expression that runs away) is seen the moment it lets go.
    """

    def __init__(self, monitor: Monitor, blocked_s: float = BLOCKED_S, stuck_s: float = STUCK_S) -> None:
        self._monitor = monitor
        self._blocked_s = blocked_s
        self._stuck_s = stuck_s
        self._ended = threading.Event()
        self._loop_thread = 0
        self._turned_at = 0.0
        self._seen: tuple[float, Culprit | None] | None = None
        self._told: float | None = None

    def start(self) -> None:
        """Begins to watch the loop of the calling thread."""
        self._loop_thread = threading.get_ident()
        self._turned_at = time.monotonic()
        self._ended.clear()
        threading.Thread(target=self._run, name="loop-watch", daemon=True).start()

    def stop(self) -> None:
        """Ends the thread; does not wait for it."""
        self._ended.set()

    def turned(self) -> Culprit | None:
        """The loop turns, says the loop's own thread. Gives who was seen to block it, if it was."""
        before, self._turned_at = self._turned_at, time.monotonic()
        seen = self._seen
        return seen[1] if seen is not None and seen[0] == before else None

    def _run(self) -> None:
        pause_s = self._blocked_s
        while not self._ended.wait(pause_s):
            pause_s = self._look()

    def _look(self) -> float:
        """Returns in how many seconds to look again."""
        since = self._turned_at
        silent_s = time.monotonic() - since
        if silent_s < self._blocked_s:
            return self._blocked_s - silent_s
        if self._seen is None or self._seen[0] != since:
            frame = sys._current_frames().get(self._loop_thread)
            self._seen = (since, None if frame is None else culprit_of(frame))
        if silent_s >= self._stuck_s and self._told != since:
            self._told = since
            self._monitor.emit(LoopStuck(silent_s * 1000, self._seen[1]))
        return LOOK_AGAIN_S
