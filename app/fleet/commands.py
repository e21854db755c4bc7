"""Commands between instances: sent once, executed at most once, answered in time or not at all."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from app.events import CommandExecuted, Monitor
from app.fleet.desk import Executors
from app.fleet.view import ANSWER_WITHIN_S, Answer, Command, Outcome, Owner
from app.fleet.wire import Heading, pack, unpack, written
from app.kafka.tasks import end
from app.kafka.topic_writer import Written

STALE_AFTER_S = 30.0
"""What was sent longer ago is not executed: whoever sent it has long been told that there was no answer."""
MOST_RUNNING = 16
MOST_IDS = 1000
Owns = Callable[[Owner], bool]
"""Whether this instance has a partition."""
Write = Callable[[Written], Awaitable[None]]
"""Stores a record in the commands' topic. Raises KafkaUnavailable."""


class CommandRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A command on its way: to the instance `to`, or to whichever has `owner` (group, topic, partition)."""

    id: str
    name: str
    by: str
    sender: str
    to: str | None = None
    owner: tuple[str, str, int] | None = None
    arguments: dict[str, Any] = {}  # msgspec makes a new one for each


class AnswerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a command."""

    id: str
    instance: str
    outcome: Outcome
    detail: str | None = None
    result: dict[str, Any] = {}


class Commands:
    """Sends commands and waits for their answers; executes those that are meant for this instance."""

    def __init__(self, executors: Executors, owns: Owns, write: Write, monitor: Monitor) -> None:
        self._executors = executors
        self._owns = owns
        self._write = write
        self._monitor = monitor
        self._waiting: dict[str, asyncio.Future[Answer]] = {}
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._running: set[asyncio.Task[None]] = set()
        self._began = time.time()

    @property
    def _this(self) -> str:
        return self._executors.instance

    async def send(self, to: str | Owner, command: Command) -> Answer:
        """Raises KafkaUnavailable where it could not be sent; it may be executed all the same."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[command.id] = answer
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                await self._write(
                    written("command", to if isinstance(to, str) else str(to.topic), self._pack(to, command))
                )
                return await answer
        except TimeoutError:
            return Answer(command.id, "no_answer", detail=f"Nobody answered within {ANSWER_WITHIN_S:g} s")
        finally:
            del self._waiting[command.id]

    def _pack(self, to: str | Owner, command: Command) -> bytes:
        record = CommandRecord(
            id=command.id,
            name=command.name,
            by=command.by,
            sender=self._this,
            to=to if isinstance(to, str) else None,
            owner=None if isinstance(to, str) else (to.group, to.topic, to.partition),
            arguments=dict(command.arguments),
        )
        return pack(msgspec.to_builtins(record))

    def take(self, about: Heading, value: bytes | None) -> None:
        """A record of the commands' topic."""
        document = unpack(value)
        try:
            if about.kind == "command":
                self._command(msgspec.convert(document, CommandRecord), about.at_ms)
            elif about.kind == "answer":
                self._answer(msgspec.convert(document, AnswerRecord))
        except msgspec.ValidationError:
            return  # not ours, or of another version: nobody answers

    def _answer(self, record: AnswerRecord) -> None:
        waiting = self._waiting.get(record.id)
        if waiting is not None and not waiting.done():
            waiting.set_result(Answer(record.id, record.outcome, record.instance, record.detail, record.result))

    def _command(self, record: CommandRecord, sent_ms: int) -> None:
        meant = record.to == self._this or (record.owner is not None and self._owns(Owner(*record.owner)))
        if not meant or record.id in self._seen:
            return
        self._seen[record.id] = None
        if len(self._seen) > MOST_IDS:
            self._seen.popitem(last=False)
        age_s = time.time() - sent_ms / 1000
        if age_s > STALE_AFTER_S or (record.to is None and sent_ms / 1000 < self._began):
            self._announce(record, "refused", f"it was sent {age_s:.0f} s ago")
        elif len(self._running) >= MOST_RUNNING:
            self._announce(record, "refused", f"{MOST_RUNNING} commands are being executed")
        else:
            task = asyncio.create_task(self._execute(record), name=f"command-{record.name}")
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _execute(self, record: CommandRecord) -> None:
        answer = await self._executors.execute(Command(record.name, record.by, record.arguments, record.id))
        self._announce(record, answer.outcome, answer.detail)
        told = AnswerRecord(
            id=record.id,
            instance=self._this,
            outcome=answer.outcome,
            detail=answer.detail,
            result=dict(answer.result),
        )
        await self._write(written("answer", record.sender, pack(msgspec.to_builtins(told))))

    def _announce(self, record: CommandRecord, outcome: Outcome, detail: str | None) -> None:
        self._monitor.emit(CommandExecuted(record.name, record.by, record.sender, outcome, detail or ""))

    async def stop(self, grace_s: float) -> None:
        """Waits for what is being executed, at most `grace_s`, then cuts it."""
        if self._running:
            await asyncio.wait(self._running, timeout=grace_s)
        await end(list(self._running), grace_s)
