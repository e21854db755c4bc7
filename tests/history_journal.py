"""A consumer that writes down what it is given and when it is done, and the way from its lines into a `History`.

A line is `word assignment topic partition time …`. It is written in one go before anything else happens, so that
the journal of a process that is killed lacks nothing but a line that was not complete.
"""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path

from app.consumer import Consumer
from tests.history import Given, History, How

Write = Callable[[str], object]
Work = Callable[[Consumer], Awaitable[None]]
ENDS: dict[str, How] = {"revoked": "revoked", "shutdown": "shutdown", "outlived": "outlived"}


async def no_work(consumer: Consumer) -> None:
    """A batch is done as soon as it is given."""


def lasting(seconds: float) -> Work:
    """Each batch takes so long."""

    async def work(consumer: Consumer) -> None:
        await asyncio.sleep(seconds)

    return work


def recorded(write: Write, work: Work = no_work) -> type[Consumer]:
    """A consumer class whose lines go to `write`; `work` is done with each batch between its two lines."""

    class Recorded(Consumer):
        async def initialized(self) -> None:
            self._assignment = uuid.uuid4().hex[:8]

        async def consume(self) -> None:
            given = " ".join(f"{message.offset}:{(message.raw_payload or b'').decode()}" for message in self.messages)
            self._tell("given", f"{self.attempt} {given}")
            await work(self)
            last, now = self.messages.last, time.time()
            word = "finished" if self.mark_as_consumed(last) else "outlived"
            self._tell(word, str(last.offset), at=now)

        async def revoked(self) -> None:
            self._tell("revoked")

        async def shutdown(self) -> None:
            self._tell("shutdown")

        def _tell(self, word: str, more: str = "", at: float | None = None) -> None:
            when = time.time() if at is None else at
            write(f"{word} {self._assignment} {self.topic} {self.partition} {when:.6f} {more}")

    return Recorded


def appending(path: Path) -> Write:
    """Writes lines at the end of a file, each with one system call."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    return lambda line: os.write(file, f"{line}\n".encode())


def lines_of(path: Path) -> Iterator[str]:
    """The complete lines of a journal; none where it was never begun."""
    if path.exists():
        with path.open() as file:
            yield from (line[:-1] for line in file if line.endswith("\n"))


def tell(history: History, instance: str, lines: Iterable[str]) -> None:
    """Tells `history` what the journal of `instance` says."""
    for line in lines:
        word, assignment, topic, number, when, *more = line.split()
        partition, at = int(number), float(when)
        if word == "given":
            for offset, _, message_id in (one.partition(":") for one in more[1:]):
                history.given(Given(instance, assignment, topic, partition, int(offset), message_id, at, int(more[0])))
        elif word == "finished":
            history.finished(assignment, topic, partition, int(more[0]), at)
        else:
            history.ended(assignment, topic, partition, ENDS[word], at)


def ids_given(lines: Iterable[str]) -> set[str]:
    """The ids of all messages that a journal says were given."""
    given = (line.split()[6:] for line in lines if line.startswith("given "))
    return {one.partition(":")[2] for batch in given for one in batch}
