"""The table that the pages are shown with; topics and groups begin with what SHOP says."""

from __future__ import annotations

import asyncio
import os

from app.consumer import Consumer
from app.routes import Backoff, DeadLetter, Routes

POISON = "poison"


class PaymentsConsumer(Consumer):
    """Fails at what is called poison, works a moment on everything else."""

    async def consume(self) -> None:
        for message in self.messages:
            await asyncio.sleep(0.01)
            if message.payload == POISON:
                raise ValueError("this payment cannot be read")


class StuckConsumer(Consumer):
    """Fails at everything, and goes on trying."""

    async def consume(self) -> None:
        raise TimeoutError("the ledger does not answer")


class SlowConsumer(Consumer):
    """Works on one batch until it is told to stop."""

    async def consume(self) -> None:
        await asyncio.sleep(3600)


def draw(routes: Routes) -> None:
    shop = os.environ["SHOP"]
    quick = Backoff(pause_ms=50, max_ms=100, exponential=False)
    with routes.group(shop) as group:
        letters = DeadLetter(f"{shop}.payments.dlq", max_retries=1)
        group.topic(f"{shop}.payments", PaymentsConsumer, dead_letter=letters, backoff=quick)
        group.topic(f"{shop}.ledger", StuckConsumer)
        group.topic(f"{shop}.reports", SlowConsumer)
        group.pattern(rf"{shop}\.user_.*", PaymentsConsumer, name="users")
