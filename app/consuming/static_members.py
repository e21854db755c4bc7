"""Static membership: seeing that two live clients share one instance id, and which of them may go on.

Kafka lets the later of two members with one id replace the earlier, which then joins again: they take turns for ever,
and neither gets a commit through. Kafka gives every join a member id of its own, so a member can tell that it has been
replaced, and who holds the place.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable

REPLACED_MOST = 3
RUN_S = 30.0
RUN_HEARTBEATS = 8
"""A run: so often replaced within so many seconds or heartbeats. A replaced member hears of it at its heartbeat."""
LOOK_AGAIN_SESSIONS = 4 / 3
"""How often one looks that found its place taken: a minute with the default session, after which a holder that died
has lost the place."""
REMEMBERED = 16
UUID_LENGTH = 36
STEP_BACK_S = 5.0


class StaticMember:
    """What one group's static member knows of its place in the group, over all its clients."""

    def __init__(self, instance_id: str, heartbeat_s: float, session_s: float = 45.0) -> None:
        self.instance_id = instance_id
        self.look_again_s = session_s * LOOK_AGAIN_SESSIONS
        self._heartbeat_s = heartbeat_s
        self._own: deque[str] = deque(maxlen=REMEMBERED)
        self._replaced: deque[float] = deque(maxlen=REPLACED_MOST)
        self._client: object = None

    def joined(self, client: object, member_id: str, now: float) -> bool:
        """`client` has joined as `member_id` at `now` (monotonic, seconds). True where another one fights for the
        place: within a short time this client had to join anew, under a new member id, three times."""
        replaced = client is self._client and bool(self._own) and member_id != self._own[-1]
        self._client = client
        if member_id not in self._own:
            self._own.append(member_id)
        if not replaced:
            return False
        self._replaced.append(now)
        run_s = max(RUN_S, RUN_HEARTBEATS * self._heartbeat_s)
        return len(self._replaced) == REPLACED_MOST and now - self._replaced[0] < run_s

    def step_back_s(self) -> float:
        """How long to stay away before looking who holds the place: random, and longer than it takes another to hear
        that it was replaced. The count of replacements begins anew."""
        self._replaced.clear()
        return self._heartbeat_s + random.uniform(1.0, STEP_BACK_S)

    def held_by_another(self, members: Iterable[str]) -> bool:
        """Whether one of the group's `members` holds the place and is no earlier self of this one: Kafka's ids of
        static members are the instance id and a random part."""
        return any(self._is_namesake(member) and member not in self._own for member in members)

    def _is_namesake(self, member_id: str) -> bool:
        return member_id[:-UUID_LENGTH] == f"{self.instance_id}-"
