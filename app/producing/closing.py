"""How a producer ends: once, for all its variants."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class CloseReport:
    """How closing went. `undelivered` counts messages by topic that did not become `delivered`."""

    undelivered: Mapping[str, int] = field(default_factory=dict)
    took_ms: float = 0.0


@dataclass(slots=True)
class Ending:
    """The one close of a producer and its variants."""

    task: asyncio.Task[CloseReport] | None = None
