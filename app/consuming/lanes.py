"""Keyed parallelism: one partition's batch in several lanes side by side, in order for each key."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Sequence
from datetime import datetime

from app.consuming.announcer import PartitionAnnouncer
from app.consuming.context import Assignment
from app.consuming.jobs import DONE, Outcome
from app.consuming.runner import JobRunner
from app.errors import UndecodablePayload
from app.messages import Message, Record
from app.routes.table import Keyed

KeyOf = Callable[[Record], Hashable]


class Lanes:
    """Runs a batch over the consumer objects of one assignment, one lane each."""

    def __init__(
        self, keyed: Keyed, assignment: Assignment, runners: Sequence[JobRunner], announce: PartitionAnnouncer
    ) -> None:
        self._keyed = keyed
        self._assignment = assignment
        self._runners = runners
        self._announce = announce

    async def run(self, records: Sequence[Record], attempt: int, formed_at: datetime) -> Outcome:
        """Runs all lanes to their ends. What a lane has done is done, whatever becomes of the others; of several
        failures the one that holds up the earliest record is the batch's."""
        lanes = self._split(records)
        self._assignment.progress.in_lanes(lanes)
        ran = [(index, lane) for index, lane in enumerate(lanes) if lane]
        outcomes = await asyncio.gather(*(self._run_lane(index, lane, attempt, formed_at) for index, lane in ran))
        waiting = {record.offset for record in self._assignment.progress.remaining(records)}

        def first_waiting(lane: Sequence[Record]) -> int:
            return next((record.offset for record in lane if record.offset in waiting), lane[-1].offset + 1)

        ended = list(zip(outcomes, (lane for _, lane in ran), strict=True))
        for kind in ("critical", "failed", "cancelled"):
            if of_kind := [(first_waiting(lane), outcome) for outcome, lane in ended if outcome.kind == kind]:
                return min(of_kind, key=lambda pair: pair[0])[1]
        return DONE

    async def _run_lane(self, index: int, records: Sequence[Record], attempt: int, formed_at: datetime) -> Outcome:
        outcome = await self._runners[index].run(records, attempt, formed_at, lane=index)
        progress = self._assignment.progress
        if (
            outcome.error is None
            and not self._assignment.subscription.manual_offsets
            and not self._assignment.steering.asked
        ):
            progress.done(record.offset for record in records)
        return outcome

    def _split(self, records: Sequence[Record]) -> list[list[Record]]:
        """In one lane where a key cannot be had: the consumer itself meets what is wrong with the message."""
        try:
            return split(records, self._key_of(), len(self._runners))
        except UndecodablePayload:
            return [list(records)]
        except Exception as error:
            self._announce.error("consumer.keyed", error, (records[0].offset, records[-1].offset))
            return [list(records)]

    def _key_of(self) -> KeyOf:
        by = self._keyed.by
        if callable(by):
            deserializers = self._assignment.subscription.deserializers
            return lambda record: by(Message(record, deserializers))
        return lambda record: record.key


def split(records: Sequence[Record], key_of: KeyOf, lanes: int) -> list[list[Record]]:
    """`records` in `lanes` lists, each in order, all of one key in the same: the largest group of a key first, to the
    lane with the fewest records; then those without a key (None), each to the lane with the fewest."""
    groups: dict[Hashable, list[Record]] = {}
    for record in records:
        groups.setdefault(key_of(record), []).append(record)
    keyless = groups.pop(None, [])
    found: list[list[Record]] = [[] for _ in range(lanes)]
    for group in [*sorted(groups.values(), key=len, reverse=True), *([record] for record in keyless)]:
        min(found, key=len).extend(group)
    for lane in found:
        lane.sort(key=lambda record: record.offset)
    return found
