"""An operator sends a partition elsewhere, on the group that runs: its own member does it, nobody stops."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

from app.consumer import SeekTarget
from app.consuming.context import GroupServices
from app.consuming.partition import PartitionWorker

MOVED_WITHIN_S = 5.0
"""A batch that runs for longer is let finish first, and the answer says so."""


@dataclass(frozen=True, slots=True)
class Sought:
    """From where to where: offsets of the next record. `beginning` and `end` are those of the partition as of now.

    `applied`: the next batch begins at `new`, and that is committed. Else it was a preview, or (`waiting`) a batch
    still runs: it is done when that is, if the partition is still assigned then.
    """

    old: int
    new: int
    beginning: int
    end: int
    applied: bool = False
    waiting: bool = False

    @property
    def again(self) -> int:
        """How many offsets are read once more."""
        return max(0, self.old - self.new)

    @property
    def skipped(self) -> int:
        """How many offsets are passed over."""
        return max(0, self.new - self.old)


async def seek(services: GroupServices, worker: PartitionWorker, target: SeekTarget, *, preview: bool) -> Sought:
    """Raises SeekFailed where there is no such place, KafkaUnavailable."""
    at, client = worker.partition, services.client
    positions = services.positions
    new, (beginning, end) = await asyncio.gather(positions.find(client, at, target), positions.bounds(client, at))
    known = (services.ledger.marked(at), services.ledger.committed(at), client.position(at), beginning)
    old = next(offset for offset in known if offset is not None)
    if preview:
        return Sought(old, new, beginning, end)
    moved = worker.order_seek(new)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(MOVED_WITHIN_S):
            await moved.wait()
    if not moved.is_set():
        return Sought(old, new, beginning, end, waiting=True)
    return Sought(old, new, beginning, end, applied=await services.commit())
