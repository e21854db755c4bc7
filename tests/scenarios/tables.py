"""Routing tables and consumers for services that run in a process of their own.

What to consume and where to write comes by environment variables, as the process is not the test's.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TextIO

from app.consumer import Consumer
from app.routes import Routes


def open_journal() -> TextIO:
    """The file JOURNAL; each line is written at once."""
    return Path(os.environ["JOURNAL"]).open("a", buffering=1)


class Journal(Consumer):
    """Writes every message it is given to the file JOURNAL, a line each, before it counts as done."""

    async def initialized(self) -> None:
        self._file = open_journal()

    async def consume(self) -> None:
        for message in self.messages:
            self._file.write(f"{message.partition} {message.offset} {message.payload}\n")
        await asyncio.sleep(float(os.environ.get("JOURNAL_PAUSE_S", "0")))

    async def shutdown(self) -> None:
        self._file.close()

    async def revoked(self) -> None:
        self._file.close()


class Endless(Consumer):
    """Never finishes its first batch."""

    async def consume(self) -> None:
        self.log.info("has begun")
        await asyncio.Event().wait()


class Quits(Consumer):
    """Raises what no consumer should."""

    async def consume(self) -> None:
        raise SystemExit("enough")


def journal(routes: Routes) -> None:
    with routes.group(f"g-{os.environ['TOPIC']}") as group:
        group.topic(os.environ["TOPIC"], Journal)


def endless(routes: Routes) -> None:
    with routes.group(f"g-{os.environ['TOPIC']}") as group:
        group.topic(os.environ["TOPIC"], Endless)


def quits(routes: Routes) -> None:
    with routes.group(f"g-{os.environ['TOPIC']}") as group:
        group.topic(os.environ["TOPIC"], Quits)
