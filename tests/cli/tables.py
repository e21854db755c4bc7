"""A routing table for services that run in a process of their own."""

from __future__ import annotations

from app.consumer import Consumer
from app.routes import Routes


class Nothing(Consumer):
    async def consume(self) -> None:
        return


def two_groups(routes: Routes) -> None:
    for name in ("first", "second"):
        with routes.group(f"{name}-group") as group:
            group.topic(f"{name}-topic-that-nobody-makes", Nothing)
