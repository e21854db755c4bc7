"""Joining a group with one request, and knowing when its coordinator was last heard.

aiokafka asks once for each assignor that a member offers, each time with one more: with two, every join makes the
whole group rebalance twice, and a static member replaces itself. Here only the last request, which offers all of them,
is sent.

The answer to that may take as long as a rebalance, which is longer than any other answer.

A member that was not heard for a session may have lost its partitions, and aiokafka keeps to itself when it last was.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import aiokafka.consumer.consumer
from aiokafka.client import ConnectionGroup
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import NoError, RebalanceInProgressError
from aiokafka.protocol.group import HeartbeatRequest, JoinGroupRequest, SyncGroupRequest

STILL_A_MEMBER = (NoError.errno, RebalanceInProgressError.errno)


class _OneMoreToCome(NamedTuple):
    error_code: int = 0


class OneJoinCoordinator(GroupCoordinator):
    """A group's coordinator that holds back the requests which do not offer every assignor.

    `heard_at` (of `time.monotonic`) is when the last request was sent that it answered as to a member: from then, or a
    little later, it counts the session.
    """

    heard_at = 0.0

    async def _send_req(self, request: Any) -> Any:
        if isinstance(request, JoinGroupRequest) and len(request._group_protocols) < len(self._assignors):
            return _OneMoreToCome()
        asked_at = time.monotonic()
        with self._patience(request):
            answer = await super()._send_req(request)
        if isinstance(request, (HeartbeatRequest, SyncGroupRequest)) and answer.error_code in STILL_A_MEMBER:
            self.heard_at = asked_at
        return answer

    @contextlib.contextmanager
    def _patience(self, request: Any) -> Iterator[None]:
        """The answer to a join comes when the last member has joined, which may take the whole rebalance timeout: with
        the usual request timeout it would be given up, and the coordinator taken for dead, while others drain."""
        connection = self._client._conns.get((self.coordinator_id, ConnectionGroup.COORDINATION))
        if connection is None or not isinstance(request, JoinGroupRequest):
            yield
            return
        usual = connection._request_timeout
        connection._request_timeout = usual + self._rebalance_timeout_ms / 1000
        try:
            yield
        finally:
            connection._request_timeout = usual


def replace_joining() -> None:
    """Makes every aiokafka consumer of this process join this way. May be called any number of times."""
    aiokafka.consumer.consumer.GroupCoordinator = OneJoinCoordinator
