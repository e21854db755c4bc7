"""Logs of the fleet's topics for tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from app.kafka.topic_writer import Written
from app.messages import Headers

START_MS = 1_800_000_000_000


@dataclass(frozen=True)
class Kept:
    """A record as a reader gives it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    topic: str = "demijohn_reports"
    partition: int = 0


@dataclass
class Log:
    """A topic of one partition. `now_ms` is the time that the next records get."""

    records: list[Kept] = field(default_factory=list)
    now_ms: int = START_MS

    def write(self, records: Iterable[Written]) -> None:
        for record in records:
            offset = len(self.records)
            self.records.append(Kept(offset, self.now_ms, record.key.encode(), record.value, record.headers))

    def after(self, offset: int) -> Sequence[Kept]:
        return self.records[offset:]
