"""Joining a group with one request, and knowing when its coordinator was last heard.

aiokafka asks once for each assignor that a member offers, each time with one more: with two, every join makes the
whole group rebalance twice, and a static member replaces itself. Here only the last request, which offers all of them,
is sent.

A member that was not heard for a session may have lost its partitions, and aiokafka keeps to itself when it last was.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import aiokafka.consumer.consumer
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
        answer = await super()._send_req(request)
        if isinstance(request, (HeartbeatRequest, SyncGroupRequest)) and answer.error_code in STILL_A_MEMBER:
            self.heard_at = asked_at
        return answer


def replace_joining() -> None:
    """Makes every aiokafka consumer of this process join this way. May be called any number of times."""
    aiokafka.consumer.consumer.GroupCoordinator = OneJoinCoordinator
