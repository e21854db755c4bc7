"""What was produced, given to consumers and committed in one consumer group, and whether that keeps the promises.

A `History` is told facts by whoever saw them: the producer its verdicts, each consumer what it was given and when it
was done, Kafka its commits, the test what it did to processes and brokers. `check` looks at all of them at the end. All
times are seconds since 1970 on one machine's clock.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from operator import attrgetter
from typing import Literal, NamedTuple

Place = tuple[str, int]
"""(topic, partition)."""
How = Literal["revoked", "shutdown", "outlived"]
Kind = Literal["killed", "hung", "broker", "cut"]
CLOCK_S = 0.002
"""Kafka's times are whole milliseconds: what lies nearer together is not ordered by them."""


class Given(NamedTuple):
    """One message in the hands of a consumer. An instance may have many assignments of one partition, one by one."""

    instance: str
    assignment: str
    topic: str
    partition: int
    offset: int
    id: str
    at: float
    attempt: int


class Commit(NamedTuple):
    """The group's offset of one partition as Kafka stored it: that of the next record."""

    topic: str
    partition: int
    offset: int
    at: float


class Trouble(NamedTuple):
    """What was done to an instance, or to the brokers (`instance` is None), and from when until when it told."""

    kind: Kind
    begin: float
    end: float
    instance: str | None = None

    def touches(self, instances: tuple[str, str], begin: float, end: float) -> bool:
        """Whether it overlaps the time from `begin` to `end`, for one of `instances`."""
        concerned = self.instance is None or self.instance in instances
        return concerned and self.begin <= end and self.end >= begin


@dataclass(frozen=True, slots=True, repr=False)
class Report:
    """What `check` found. Everything but `explained` is a fault, told in words."""

    records: int
    given: int
    lost: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()
    reordered: tuple[str, ...] = ()
    duplicated: tuple[str, ...] = ()
    moved_back: tuple[str, ...] = ()
    too_early: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    explained: Counter[str] = field(default_factory=Counter)
    longest_silence_s: float = 0.0

    @property
    def faults(self) -> dict[str, int]:
        """How many of each kind; empty where every promise was kept."""
        return {name: len(found) for name, found in self._faults() if found}

    def _faults(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        names = ("lost", "unseen", "reordered", "duplicated", "moved_back", "too_early", "ignored")
        return ((name, getattr(self, name)) for name in names)

    def __repr__(self) -> str:
        lines = [f"{self.records} records, given {self.given} times, redelivered: {dict(self.explained) or 'none'}"]
        for name, found in self._faults():
            lines += [f"{name}: {fault}" for fault in found[:5]]
            lines += [f"{name}: … and {len(found) - 5} more"] if len(found) > 5 else []
        return "\n".join(lines)


class History:
    """The facts of one group. Facts may come in any order, but those of one partition's commits in Kafka's."""

    def __init__(self) -> None:
        self._acknowledged: defaultdict[Place, dict[int, str]] = defaultdict(dict)
        self._unknown: set[str] = set()
        self._given: defaultdict[Place, list[Given]] = defaultdict(list)
        self._finished: defaultdict[tuple[str, Place], list[tuple[float, int]]] = defaultdict(list)
        self._covered: dict[tuple[str, Place], int] = {}
        self._ended: dict[tuple[str, Place], tuple[How, float]] = {}
        self._commits: defaultdict[Place, list[Commit]] = defaultdict(list)
        self._troubles: list[Trouble] = []
        self._seeks: defaultdict[Place, list[float]] = defaultdict(list)

    def acknowledged(self, topic: str, partition: int, offset: int, message_id: str) -> None:
        """Kafka has the message, at this place."""
        self._acknowledged[topic, partition][offset] = message_id

    def unknown(self, message_id: str) -> None:
        """The producer could not tell: it may be stored or not."""
        self._unknown.add(message_id)

    def given(self, given: Given) -> None:
        """A consumer has the message in its hands."""
        self._given[given.topic, given.partition].append(given)

    def finished(self, assignment: str, topic: str, partition: int, offset: int, at: float) -> None:
        """The consumer is done with everything up to `offset`, and it counts."""
        key = assignment, (topic, partition)
        self._finished[key].append((at, offset))
        self._covered[key] = max(offset, self._covered.get(key, -1))

    def ended(self, assignment: str, topic: str, partition: int, how: How, at: float) -> None:
        """The assignment is over: `revoked` and `shutdown` after its last job, `outlived` where a job was too late,
        whatever hook was called after it."""
        key = assignment, (topic, partition)
        if how == "outlived" or key not in self._ended:
            self._ended[key] = how, at

    def committed(self, commit: Commit) -> None:
        """Kafka has stored the commit."""
        self._commits[commit.topic, commit.partition].append(commit)

    def sought(self, topic: str, partition: int, at: float) -> None:
        """A consumer or an operator moved the position on purpose."""
        self._seeks[topic, partition].append(at)

    def troubled(self, trouble: Trouble) -> None:
        """The test did this."""
        self._troubles.append(trouble)

    def check(self) -> Report:
        """Looks at all facts; takes about 3 s for a million deliveries."""
        places = sorted(self._acknowledged.keys() | self._given.keys() | self._commits.keys())
        self._troubles.sort(key=lambda one: one.instance is None)  # what befell the instance itself explains first
        for place in places:
            self._given[place].sort(key=attrgetter("at"))
        explained: Counter[str] = Counter()
        return Report(
            records=sum(map(len, self._acknowledged.values())),
            given=sum(map(len, self._given.values())),
            lost=tuple(fault for place in places for fault in self._lost(place)),
            unseen=tuple(fault for place in places for fault in self._unseen(place)),
            reordered=tuple(fault for place in places for fault in self._reordered(place)),
            duplicated=tuple(fault for place in places for fault in self._duplicated(place, explained)),
            moved_back=tuple(fault for place in places for fault in self._moved_back(place)),
            too_early=tuple(fault for place in places for fault in self._too_early(place)),
            ignored=tuple(fault for place in places for fault in self._ignored(place)),
            explained=explained,
            longest_silence_s=self._longest_silence(),
        )

    def _lost(self, place: Place) -> Iterator[str]:
        """Acknowledged, and never given."""
        given = {one.offset for one in self._given[place]}
        for offset in sorted(self._acknowledged[place].keys() - given):
            yield f"{named(place)} offset {offset} (id {self._acknowledged[place][offset]})"

    def _unseen(self, place: Place) -> Iterator[str]:
        """Given, and not what was acknowledged there: somebody stored what nobody sent, or stored it twice."""
        acknowledged, unknown = self._acknowledged[place], self._unknown
        for one in self._given[place]:
            if acknowledged.get(one.offset) != one.id and one.id not in unknown:
                yield f"{described(one)} was {acknowledged.get(one.offset, 'never acknowledged')} to the producer"

    def _reordered(self, place: Place) -> Iterator[str]:
        """First deliveries go up."""
        last: Given | None = None
        seen: set[int] = set()
        for one in self._given[place]:
            if one.offset in seen:
                continue
            seen.add(one.offset)
            if last is not None and one.offset < last.offset:
                yield f"{described(one)} came first after {described(last)}"
            else:
                last = one

    def _duplicated(self, place: Place, explained: Counter[str]) -> Iterator[str]:
        """Given again without a reason. Those with one are counted by it."""
        latest: dict[int, Given] = {}
        for one in self._given[place]:
            before = latest.get(one.offset)
            latest[one.offset] = one
            if before is None:
                continue
            reason = self._reason(place, before, one)
            if reason is None:
                yield f"{described(one)} again after {described(before)}"
            else:
                explained[reason] += 1

    def _reason(self, place: Place, before: Given, again: Given) -> str | None:
        """Why `again` had to be. What was finished before an orderly end was to be committed by then: only trouble
        with the brokers excuses that it was not."""
        if any(before.at <= at <= again.at for at in self._seeks[place]):
            return "seek"
        if before.assignment == again.assignment:
            return "retry" if again.attempt > before.attempt else None
        how, ended_at = self._ended.get((before.assignment, place), (None, 0.0))
        orderly = how in ("revoked", "shutdown")
        if orderly and before.offset > self._covered.get((before.assignment, place), -1):
            return "revoked"
        if how == "outlived":
            return "outlived"
        instances = before.instance, again.instance
        until = min(ended_at, again.at) if orderly else again.at
        return next((one.kind for one in self._troubles if one.touches(instances, before.at, until)), None)

    def _moved_back(self, place: Place) -> Iterator[str]:
        """A commit below the one before it, without a seek between."""
        for before, after in pairwise(self._commits[place]):
            sought = any(before.at - CLOCK_S <= at <= after.at + CLOCK_S for at in self._seeks[place])
            if after.offset < before.offset and not sought:
                yield f"{named(place)} from {before.offset} to {after.offset} at {after.at:.3f}"

    def _too_early(self, place: Place) -> Iterator[str]:
        """A commit that covers what no consumer had finished by then."""
        first = self._first_finished(place)
        acknowledged = sorted(self._acknowledged[place])
        checked = 0
        for commit in self._commits[place]:
            while checked < len(acknowledged) and acknowledged[checked] < commit.offset:
                offset = acknowledged[checked]
                checked += 1
                if first.get(offset, float("inf")) > commit.at + CLOCK_S:
                    yield f"{named(place)} {commit.offset} at {commit.at:.3f}, before offset {offset} was finished"

    def _first_finished(self, place: Place) -> dict[int, float]:
        """When each offset was first finished."""
        by_assignment: defaultdict[str, list[int]] = defaultdict(list)
        for one in self._given[place]:
            by_assignment[one.assignment].append(one.offset)
        first: dict[int, float] = {}
        for assignment, offsets in by_assignment.items():
            offsets.sort()
            done = 0
            for at, covered in sorted(self._finished.get((assignment, place), ())):
                while done < len(offsets) and offsets[done] <= covered:
                    first[offsets[done]] = min(at, first.get(offsets[done], at))
                    done += 1
        return first

    def _ignored(self, place: Place) -> Iterator[str]:
        """An assignment that began below what was committed before."""
        commits = sorted(self._commits[place], key=attrgetter("at"))
        begun: set[str] = set()
        passed, committed = 0, 0
        for one in self._given[place]:
            while passed < len(commits) and commits[passed].at + CLOCK_S < one.at:
                committed = commits[passed].offset
                passed += 1
            sought = any(at <= one.at for at in self._seeks[place])
            if one.assignment not in begun and one.offset < committed and not sought:
                yield f"{described(one)} was the first of its assignment, and {committed} was committed before"
            begun.add(one.assignment)

    def _longest_silence(self) -> float:
        times = sorted(one.at for all_given in self._given.values() for one in all_given)
        return max((later - earlier for earlier, later in pairwise(times)), default=0.0)


def named(place: Place) -> str:
    topic, partition = place
    return f"{topic}-{partition}"


def described(one: Given) -> str:
    """A delivery in words."""
    where = f"{named((one.topic, one.partition))} offset {one.offset} (id {one.id})"
    return f"{where} to {one.instance} {one.assignment} at {one.at:.3f}, attempt {one.attempt}"
