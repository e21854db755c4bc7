"""Routing tables and consumers for services that run in a process of their own.

What to consume and where to write comes by environment variables, as the process is not the test's.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Any

from app.consumer import Consumer
from app.kafka.producer_client import AiokafkaProducer
from app.routes import Backoff, DeadLetter, Routes
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
    """Holds the event loop until the file that a message names exists, a minute at most."""

    async def consume(self) -> None:
        for message in self.messages:
            until = time.monotonic() + 60
            while time.monotonic() < until and not Path(message.payload).exists():  # noqa: ASYNC240  # as below
                time.sleep(0.02)  # noqa: ASYNC251  # the mistake that is to be named


class Slow(Consumer):
    """Takes its time for each batch."""

    async def consume(self) -> None:
        await asyncio.sleep(0.05)


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


def slow(routes: Routes) -> None:
    with routes.group(f"g-{os.environ['TOPIC']}") as group:
        group.topic(os.environ["TOPIC"], Slow)


class Refusing(Consumer):
    """Fails at every third message of a partition."""

    async def consume(self) -> None:
        for message in self.messages:
            if message.payload % 3 == 0:
                raise ValueError(f"refused {message.payload}")


def dead_letters(routes: Routes) -> None:
    """Transactional dead letters; with DIE_AT the process kills itself at the third call of that step."""
    if step := os.environ.get("DIE_AT"):
        die_at(step)
    topic = os.environ["TOPIC"]
    with routes.group(f"g-{topic}") as group:
        letter = DeadLetter(os.environ["DLQ"], max_retries=0, transactional=True)
        group.topic(topic, Refusing, dead_letter=letter, backoff=Backoff(1, 1))


def mended(routes: Routes) -> None:
    """Fails at everything until the file FIXED is there, then writes what it is given to JOURNAL; with DIE_AT as in
    `dead_letters`."""
    if step := os.environ.get("DIE_AT"):
        die_at(step)
    fixed, write = Path(os.environ["FIXED"]), appending(Path(os.environ["JOURNAL"]))

    async def work(consumer: Consumer) -> None:
        if not fixed.exists():  # noqa: ASYNC240  # a look at a file of the test's own
            raise ValueError("not mended yet")

    topic = os.environ["TOPIC"]
    with routes.group(f"g-{topic}") as group:
        letter = DeadLetter(os.environ["DLQ"], max_retries=0)
        group.topic(topic, recorded(write, work), dead_letter=letter, backoff=Backoff(1, 1), max_messages=1)


def die_at(step: str) -> None:
    """Kills this process, as -9 would, when a transaction reaches `step` for the third time: `add_offsets` (stored, not
    committed), `commit`, or `committed` (and nobody has been told)."""
    method = "commit" if step == "committed" else step
    original, calls = getattr(AiokafkaProducer, method), iter(range(1000))

    async def dying(client: AiokafkaProducer, *arguments: Any) -> None:
        last = next(calls) >= 2
        if last and step != "committed":
            os.kill(os.getpid(), signal.SIGKILL)
        await original(client, *arguments)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)

    setattr(AiokafkaProducer, method, dying)


class Forwards(Consumer):
    """Fails its first run, then sends everything on to the topic FORWARD_TO."""

    async def consume(self) -> None:
        if self.attempt == 1:
            raise ValueError("not yet")
        for message in self.messages:
            await self.produce_sync(topic=os.environ["FORWARD_TO"], payload=message.raw_payload)


def forwards(routes: Routes) -> None:
    with routes.group(f"g-{os.environ['TOPIC']}") as group:
        group.topic(os.environ["TOPIC"], Forwards)
