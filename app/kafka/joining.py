"""Joining a group with one request.

aiokafka asks once for each assignor that a member offers, each time with one more: with two, every join makes the
whole group rebalance twice, and a static member replaces itself. Here only the last request, which offers all of them,
is sent.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import aiokafka.consumer.consumer
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.protocol.group import JoinGroupRequest


class _OneMoreToCome(NamedTuple):
    error_code: int = 0


class OneJoinCoordinator(GroupCoordinator):
    """A group's coordinator that holds back the requests which do not offer every assignor."""

    async def _send_req(self, request: Any) -> Any:
        if isinstance(request, JoinGroupRequest) and len(request._group_protocols) < len(self._assignors):
            return _OneMoreToCome()
        return await super()._send_req(request)


def replace_joining() -> None:
    """Makes every aiokafka consumer of this process join this way. May be called any number of times."""
    aiokafka.consumer.consumer.GroupCoordinator = OneJoinCoordinator
