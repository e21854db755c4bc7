"""Folds reports into the state of each instance and the fleet's history.

The fold is a function of the reports' log up to a place, which is kept with what was folded. So whoever takes over
goes on at that place and comes to the same result, and whatever one that was thought dead still writes is recognised
by its place: nothing can be counted twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.fleet.head import Head, read_head
from app.fleet.wire import Place, heading, pack, written
from app.kafka.topic_writer import Written
from app.messages import Record
from app.observing.series import GAUGES, SAMPLE_S, STEPS, TOTALS, Sample, Series

GONE_KEPT_MS = 600_000
STOPPED_KEPT_MS = 60_000
"""How long an instance that fell silent is still shown, and one that said goodbye."""
NEW_BELOW_S = 15
"""The first report of an instance that has run for longer is not its first: what it counted before is not known."""
FAR_OFF_MS = 60_000
"""An instance whose clock differs by more is taken to have reported when its report was written."""
MOST_INSTANCES = 1000
POSITION = "position"


@dataclass(slots=True)
class Folded:
    """What is known of one instance. `totals` are those of its last sample, None before it."""

    at_ms: int
    state: str = ""
    chunks: int = 0
    totals: Mapping[str, float] | None = None

    @property
    def kept_until_ms(self) -> int:
        return self.at_ms + (STOPPED_KEPT_MS if self.state == "stopped" else GONE_KEPT_MS)


@dataclass(slots=True)
class Fold:
    """Goes on at `next` of the log of reports that is called `log`. What is to be written is collected until `states`
    and `metrics` are called."""

    next: Place
    log: str = ""
    instances: dict[str, Folded] = field(default_factory=dict)
    series: dict[str, Series] = field(default_factory=dict)
    changed: bool = False
    """Whether something was folded that `metrics` has not told yet."""
    _states: list[Written] = field(default_factory=list)
    _now_ms: int = 0

    def __post_init__(self) -> None:
        for span, (step_s, kept) in STEPS.items():
            self.series.setdefault(span, Series(step_s, kept))

    def apply(self, record: Record) -> None:
        """The next record of the reports' topic. What is not ours, or of another version, is passed over."""
        about = heading(record)
        place = Place(self.next.era, record.offset)
        self.next = Place(self.next.era, record.offset + 1)
        self._now_ms = max(self._now_ms, record.timestamp)
        self.changed = True
        if about.kind == "report" and (head := read_head(record.value)) is not None:
            self._report(about.key, head, record, place)
        elif about.kind == "partitions" and about.key.rpartition("/")[0] in self.instances:
            self._states.append(written("partitions", about.key, record.value, place=place, at_ms=record.timestamp))

    def _report(self, name: str, head: Head, record: Record, place: Place) -> None:
        known = self.instances.setdefault(name, Folded(record.timestamp))
        known.at_ms, known.state = record.timestamp, head.state
        self._forget_chunks(name, range(head.chunks, known.chunks), place)
        known.chunks = head.chunks
        self._states.append(written("report", name, record.value, place=place, at_ms=record.timestamp))
        if head.step is not None:
            self._sample(known, head, head.step)

    def _sample(self, known: Folded, head: Head, at: int) -> None:
        if abs(at * 1000 - known.at_ms) > FAR_OFF_MS:
            at = known.at_ms // 1000
        totals = {name: head.totals.get(name, 0.0) for name in TOTALS}
        before = known.totals
        if before is None and head.uptime_s > NEW_BELOW_S:
            before = totals
        counted = {name: max(0.0, total - (before or {}).get(name, 0.0)) for name, total in totals.items()}
        gauges = {name: value for name in GAUGES if (value := head.gauges.get(name)) is not None}
        known.totals = totals
        sample = Sample(at - at % SAMPLE_S, counted, gauges, head.topics)
        for series in self.series.values():
            series.add(sample)

    def _forget_chunks(self, instance: str, chunks: range, place: Place) -> None:
        for chunk in chunks:
            self._states.append(written("partitions", f"{instance}/{chunk}", None, place=place, at_ms=self._now_ms))

    def states(self) -> list[Written]:
        """What is new of instances, and tombstones of those that were silent for too long."""
        for name in self._to_forget():
            self._forget_chunks(name, range(self.instances.pop(name).chunks), self.next)
            self._states.append(written("report", name, None, place=self.next, at_ms=self._now_ms))
        states, self._states = self._states, []
        return states

    def _to_forget(self) -> list[str]:
        """Those that were silent for too long; where there are too many instances, those silent for longest too."""
        by_age = sorted(self.instances.items(), key=lambda item: item[1].at_ms)
        crowd = max(0, len(by_age) - MOST_INSTANCES)
        return [name for n, (name, known) in enumerate(by_age) if n < crowd or known.kept_until_ms < self._now_ms]

    def metrics(self) -> list[Written]:
        """The history as it stands, and up to where the reports were folded for it."""
        self.changed = False
        documents = {span: series.document() for span, series in self.series.items()}
        totals = {name: known.totals for name, known in self.instances.items() if known.totals is not None}
        documents[POSITION] = {"log": self.log, "totals": totals}
        return [
            written("metrics", key, pack(document), place=self.next, at_ms=self._now_ms)
            for key, document in documents.items()
        ]
