"""Three brokers, one of which at a time is restarted or killed at random."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter

from app.kafka.embedded.apache import ApacheCluster
from tests.scenarios.observed import Observed
from tests.soak.instances import Say

AWAY_S = (1.0, 12.0)
PAUSE_S = (5.0, 20.0)


class Brokers:
    """What is done to the brokers of one cluster."""

    def __init__(self, cluster: ApacheCluster, observed: Observed, say: Say) -> None:
        self.faults: Counter[str] = Counter()
        self._cluster = cluster
        self._observed = observed
        self._say = say

    async def hurt(self, random_: random.Random, deadline: float, pace: float) -> None:
        """One trouble after the other until `deadline` (of `time.monotonic`); each is over before the next, so that
        two of three always run. All lengths of time are multiplied by `pace`."""
        while time.monotonic() < deadline:
            await asyncio.sleep(random_.uniform(*PAUSE_S) * pace)
            node, away_s = random_.randrange(len(self._cluster.nodes)), random_.uniform(*AWAY_S) * pace
            if random_.random() < 0.5:
                await self._away(node, away_s, "restart of a broker", "stopped")
            else:
                await self._away(node, away_s, "kill -9 of a broker", "killed with -9")

    async def _away(self, node: int, seconds: float, fault: str, how: str) -> None:
        self._say(f"broker {node + 1} is {how}, for {seconds:.1f} s")
        with self._observed.trouble("broker"):
            if how == "stopped":
                await self._cluster.stop_node(node)
            else:
                await self._cluster.kill_node(node)
            await asyncio.sleep(seconds)
            await self._cluster.start_node(node)
        self._say(f"broker {node + 1} is back")
        self.faults[fault] += 1
