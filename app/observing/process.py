"""What this process uses: memory, processor, tasks."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import time
from collections import deque
from pathlib import Path
from typing import Any

STATM = Path("/proc/self/statm")
WINDOW = 10
"""Seconds that the figures are taken over: a page that is refreshed every ten misses nothing."""


def instance_name() -> str:
    """A name for this process that no other has: host, process id, and a random part against reused ids."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(2)}"


class ProcessFigures:
    """Fed about once a second by the measurement of the loop's lag."""

    def __init__(self) -> None:
        self._cpu: deque[tuple[float, float]] = deque([(time.monotonic(), time.process_time())], maxlen=WINDOW)
        self._loop_lags_ms: deque[float] = deque(maxlen=WINDOW)

    def measured(self, loop_lag_ms: float) -> None:
        self._loop_lags_ms.append(loop_lag_ms)
        self._cpu.append((time.monotonic(), time.process_time()))

    def document(self) -> dict[str, Any]:
        return {
            "rss_bytes": rss_bytes(),
            "cpu_percent": self._cpu_percent(),
            "loop_lag_ms": round(max(self._loop_lags_ms), 3) if self._loop_lags_ms else None,
            "tasks": _tasks(),
        }

    def _cpu_percent(self) -> float | None:
        """Of one core, over the last seconds; None before a second has passed."""
        (since, used_before), now, used = self._cpu[0], time.monotonic(), time.process_time()
        if now - since < 1:
            return None
        return round(100 * (used - used_before) / (now - since), 1)


def rss_bytes() -> int | None:
    """Resident memory; None where the system does not tell."""
    try:
        pages = int(STATM.read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def _tasks() -> int | None:
    try:
        return len(asyncio.all_tasks())
    except RuntimeError:  # no loop runs in this thread
        return None
