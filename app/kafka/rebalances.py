"""What a rebalance is to the rest of the service: partitions go, partitions come, and then a poll returns."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from aiokafka import ConsumerRebalanceListener

from app.kafka.protocols import AssignmentListener
from app.messages import TopicPartition


class RebalanceListener(ConsumerRebalanceListener):
    """Hands aiokafka's calls on; what the listener raises is kept, as aiokafka only logs it."""

    def __init__(self, listener: AssignmentListener, remember: Callable[[BaseException], None]) -> None:
        self._listener = listener
        self._remember = remember
        self.assigned = False
        """Whether the last rebalance is over, the listener's part included."""
        self.polled = False
        """Whether a poll has returned since."""

    async def on_partitions_revoked(self, revoked: Any) -> None:
        self.assigned = self.polled = False
        await self._tell(self._listener.on_revoked(frozenset(TopicPartition(*at) for at in revoked)))

    async def on_partitions_assigned(self, assigned: Any) -> None:
        await self._tell(self._listener.on_assigned(frozenset(TopicPartition(*at) for at in assigned)))
        self.assigned = True

    async def _tell(self, call: Coroutine[Any, Any, None]) -> None:
        try:
            await call
        except BaseException as error:
            self._remember(error)
            raise
