"""Sends dead letters back where there are no transactions: one after the other, remembered only once they are sent."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from app.messages import DeliveryReport, OutgoingMessage
from app.producer import Producer


class PlainSending:
    """Stands for `app.producer.HeldTransactions`."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer

    async def initialise(self) -> None:
        """There is nobody to fence."""

    async def send_all(self, messages: Sequence[OutgoingMessage]) -> list[DeliveryReport]:
        """Raises the ProduceError of the first that was not delivered; those before it are stored."""
        return [await self._producer.produce_sync(**msgspec.structs.asdict(message)) for message in messages]

    async def close(self) -> None:
        """There is nothing to close."""
