"""A table for the story of a fault: its consumer fails at one message until the file MENDED is there."""

from __future__ import annotations

import os
from pathlib import Path

from app.consumer import Consumer
from app.routes import Backoff, DeadLetter, Routes

MENDED, DONE = "MENDED", "DONE"
"""Variables with the paths of the mark that it is mended, and of the file that what was done is written to."""


class OrdersConsumer(Consumer):
    """Writes down what it has done."""

    def consume(self) -> None:
        for message in self.messages:
            if message.payload["id"] == 3 and not Path(os.environ[MENDED]).exists():
                raise KeyError("customer")
            with Path(os.environ[DONE]).open("a") as done:
                done.write(f"{message.payload['id']}\n")


def draw(routes: Routes) -> None:
    orders = os.environ["ORDERS"]
    with routes.group(orders) as group:
        letters = DeadLetter(f"{orders}.dlq", max_retries=1)
        group.topic(orders, OrdersConsumer, dead_letter=letters, backoff=Backoff(6000, 6000, exponential=False))
