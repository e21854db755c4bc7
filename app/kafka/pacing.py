"""Keeps a member of many partitions from fetching faster than is worth it.

Every fetch names all partitions, and its answer does too: with 1,000 of them that is 6 ms of work, and without a bound
each single record that arrives would cause one.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

PER_PARTITION_S = 50e-6
"""From the start of one fetch to the next, for each partition in it: bounds the work to about an eighth of a core."""
LEAST_PAUSE_S = 0.002
"""Shorter pauses are not made: a few dozen partitions are fetched without any."""


def pace_fetches(fetcher: Any) -> None:
    """Makes aiokafka's fetcher wait before a fetch that follows the last one of that broker too soon.

    A record that comes after a while of silence is fetched at once, as before.
    """
    fetch = fetcher._proc_fetch_request
    begun: dict[Any, float] = {}

    async def paced(assignment: Any, node_id: Any, request: Any) -> Any:
        partitions = sum(len(partitions) for _, partitions in request.topics)
        pause_s = begun.get(node_id, 0.0) + partitions * PER_PARTITION_S - time.monotonic()
        if pause_s >= LEAST_PAUSE_S:
            try:
                await asyncio.sleep(pause_s)
            except asyncio.CancelledError:  # as the fetcher's own: the assignment has passed, nothing was fetched
                return False
        begun[node_id] = time.monotonic()
        return await fetch(assignment, node_id, request)

    fetcher._proc_fetch_request = paced
