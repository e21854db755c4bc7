"""What this instance tells of itself, made of what its listeners keep."""

from __future__ import annotations

import os
import socket
from datetime import UTC, datetime
from typing import Any

from app import __version__
from app.fleet.view import Owner, Report
from app.messages import TopicPartition
from app.observing.snapshot import Snapshot


class HereAndNow:
    """This instance."""

    def __init__(self, instance: str, snapshot: Snapshot) -> None:
        self._instance = instance
        self._snapshot = snapshot

    def report(self) -> Report:
        """How it is now."""
        now = datetime.now(UTC)
        return Report(
            instance=self._instance,
            this=True,
            seen_at=now,
            gone=False,
            about=self._about(now),
            groups=[group.summary(now) for group in self._snapshot.groups],
            jobs=self._snapshot.jobs.rows(),
            partitions=self._partitions,
        )

    def owns(self, owner: Owner) -> bool:
        """Whether a partition is assigned to this instance."""
        at = TopicPartition(owner.topic, owner.partition)
        return any(at in group.rows for group in self._snapshot.groups if group.name == owner.group)

    def _about(self, now: datetime) -> dict[str, Any]:
        snapshot = self._snapshot
        service, process = snapshot.service(now), snapshot.process()
        return {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "version": __version__,
            "state": service["state"],
            "health": service["health"],
            "started_at": service["started_at"],
            "uptime_s": service["uptime_s"],
            "groups": [group.name for group in snapshot.groups],
            "assigned": sum(len(group.rows) for group in snapshot.groups),
            "running_jobs": snapshot.jobs.running,
            "utilisation": snapshot.jobs.utilisation,
            "messages_per_s": snapshot.consume_per_s(),
            "rss_bytes": process["rss_bytes"],
            "cpu_percent": process["cpu_percent"],
            "loop_lag_ms": process["loop_lag_ms"],
        }

    def _partitions(self) -> list[dict[str, Any]]:
        now_ms = int(datetime.now(UTC).timestamp() * 1000)
        return [
            row.told(now_ms, group.name, self._instance)
            for group in self._snapshot.groups
            for row in group.rows.values()
        ]
