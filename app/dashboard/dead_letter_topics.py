"""What stands in each DLQ, summed up from its newest records; read again only when something has come."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from app.errors import DemijohnError
from app.exploring.explorer import Explorer, Wanted
from app.kafka.log_reader import StoredRecord
from app.kafka.protocols import TopicView
from app.messages import TopicPartition
from app.observing.group_figures import rfc_3339

NEWEST = 200
INFLOW_OF = timedelta(minutes=5)
LOOKUP_TIMEOUT_S = 5.0
MOST_CACHED = 1000
AT_ONCE = 2
"""DLQs that are looked into side by side: others look into topics too."""

Ends = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """Of the newest records of a DLQ. `times`: when each failed, where it says, or else when it was stored."""

    reasons: Sequence[tuple[str, int]] = ()
    sources: Sequence[str] = ()
    times: Sequence[datetime] = ()

    def per_min(self, now: datetime) -> float:
        """How many came in a minute, on average over the last five; where that is more than was read, over those."""
        lately = [at for at in self.times if now - at <= INFLOW_OF]
        span = INFLOW_OF if len(lately) < NEWEST else max(now - min(lately), timedelta(seconds=1))
        return round(len(lately) / (span / timedelta(minutes=1)), 2)


class DeadLetterTopics:
    """Looks into DLQs."""

    def __init__(self, cluster: TopicView, explorer: Explorer) -> None:
        self._cluster = cluster
        self._explorer = explorer
        self._looking = asyncio.Semaphore(AT_ONCE)
        self._known: dict[str, tuple[Ends, Summary]] = {}

    async def row(self, topic: str, dispatched: Mapping[str, Any] | None) -> Mapping[str, Any]:
        """The row of a DLQ; `dispatched`: what this instance has sent there. What cannot be had now is None."""
        ends = await self._ends(topic)
        summary = None if ends is None else await self._summary(topic, ends)
        times = () if summary is None else summary.times
        return {
            "topic": topic,
            "messages": None if ends is None else sum(end - begin for begin, end in ends),
            "dispatched": 0 if dispatched is None else dispatched["dispatched"],
            "per_min": None if summary is None else summary.per_min(datetime.now(UTC)),
            "last_at": rfc_3339(max(times)) if times else dispatched and dispatched["last_at"],
            "reasons": [{"error_class": name, "count": count} for name, count in (summary.reasons if summary else ())],
            "sources": list(summary.sources) if summary else [],
        }

    async def _ends(self, topic: str) -> Ends | None:
        """(first offset, end) of each partition; None where that cannot be had now."""
        count = self._cluster.topics().get(topic, 0)
        try:
            found = await asyncio.gather(
                *(
                    self._cluster.offsets(TopicPartition(topic, number), timeout_s=LOOKUP_TIMEOUT_S)
                    for number in range(count)
                )
            )
        except DemijohnError:
            return None
        return tuple(bounds for bounds in found if bounds is not None) if count else None

    async def _summary(self, topic: str, ends: Ends) -> Summary | None:
        known = self._known.get(topic)
        if known is not None and known[0] == ends:
            return known[1]
        try:
            async with self._looking:
                page = await self._explorer.page(Wanted(topic), NEWEST)
        except DemijohnError:  # Kafka is away, or too many people look: what was known before stands for it
            return None if known is None else known[1]
        summary = summed_up(page.messages)
        if len(self._known) >= MOST_CACHED:
            self._known.clear()
        self._known[topic] = ends, summary
        return summary


def summed_up(records: Iterable[StoredRecord]) -> Summary:
    """What the headers of dead letters say, the most frequent first."""
    reasons: Counter[str] = Counter()
    sources: Counter[str] = Counter()
    times = []
    for record in records:
        death = death_of(record)
        reasons[death["error_class"] or "(not known)"] += 1
        if death["source_topic"] is not None:
            sources[death["source_topic"]] += 1
        if (at := _failed_at(death["failed_at"], record.timestamp)) is not None:
            times.append(at)
    return Summary(reasons.most_common(), [topic for topic, _ in sources.most_common()], times)


def _failed_at(text: str | None, timestamp_ms: int) -> datetime | None:
    try:
        at = datetime.fromisoformat(text) if text else datetime.fromtimestamp(timestamp_ms / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def death_of(record: StoredRecord) -> dict[str, Any]:
    """What a dead letter's headers say; None where they do not."""
    headers = {name: value for name, value in record.headers if value is not None}
    text = {name: value.decode("utf-8", "replace") for name, value in headers.items()}
    return {
        "source_topic": text.get("source_topic"),
        "source_partition": _number(text.get("source_partition")),
        "source_offset": _number(text.get("source_offset")),
        "error_class": text.get("error_class"),
        "error_message": text.get("error_message"),
        "attempts": _number(text.get("source_attempts")),
        "failed_at": text.get("failed_at"),
    }


def _number(text: str | None) -> int | None:
    known = text is not None and text.isascii() and text.isdigit() and len(text) < 20
    return int(text) if known and text is not None else None
