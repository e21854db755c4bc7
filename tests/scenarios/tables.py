"""Routing tables and consumers for services that run in a process of their own.

What to consume and where to write comes by environment variables, as the process is not the test's.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from app.consumer import Consumer
from app.routes import Routes
from tests.history_journal import appending, lasting, recorded


class Endless(Consumer):
    """Never finishes its first batch."""

    async def consume(self) -> None:
        self.log.info("has begun")
        await asyncio.Event().wait()


class Quits(Consumer):
    """Raises what no consumer should."""

    async def consume(self) -> None:
        raise SystemExit("enough")


class Blocks(Consumer):
    """Waits for the seconds that its messages say, and holds the event loop meanwhile."""

    async def consume(self) -> None:
        for message in self.messages:
            time.sleep(message.payload)  # noqa: ASYNC251  # the mistake that is to be named


def journal(routes: Routes) -> None:
    """Writes what it is given to the file JOURNAL; each batch takes JOURNAL_WORK_S seconds."""
    write, work = appending(Path(os.environ["JOURNAL"])), lasting(float(os.environ.get("JOURNAL_WORK_S", "0")))
    with routes.group(f"g-{os.environ['TOPIC']}") as group:
        group.topic(os.environ["TOPIC"], recorded(write, work))


def endless(routes: Routes) -> None:
    with routes.group(f"g-{os.environ['TOPIC']}") as group:
        group.topic(os.environ["TOPIC"], Endless)


def quits(routes: Routes) -> None:
    with routes.group(f"g-{os.environ['TOPIC']}") as group:
        group.topic(os.environ["TOPIC"], Quits)


def blocks(routes: Routes) -> None:
    with routes.group(f"g-{os.environ['TOPIC']}") as group:
        group.topic(os.environ["TOPIC"], Blocks)
