"""A routing table for services that run in a process of their own."""

from __future__ import annotations

import os

from app.consumer import Consumer
from app.routes import DeadLetter, Routes


class Nothing(Consumer):
    async def consume(self) -> None:
        return


def two_groups(routes: Routes) -> None:
    for name in ("first", "second"):
        with routes.group(f"{name}-group") as group:
            group.topic(f"{name}-topic-that-nobody-makes", Nothing)


def dead_letters(routes: Routes) -> None:
    with routes.group("letters-group") as group:
        group.topic("topic-that-nobody-makes", Nothing, dead_letter=DeadLetter(topic=os.environ["DLQ_TOPIC"]))


def empty(_: Routes) -> None:
    """Draws nothing."""
