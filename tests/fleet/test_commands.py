"""Commands: executed at most once, by whom they are for, and answered."""

from __future__ import annotations

import asyncio
import time

import pytest

from app.errors import CommandRefused, KafkaUnavailable
from app.events import CommandExecuted, Event, Monitor
from app.fleet import commands as module
from app.fleet.commands import MOST_RUNNING, STALE_AFTER_S, Commands
from app.fleet.desk import Executors
from app.fleet.view import Command, Owner, Row
from app.fleet.wire import Heading, heading, pack, written
from app.kafka.topic_writer import Written
from tests.fleet.logs import Kept
from tests.waiting import until

MINE = Owner("g", "t", 1)


class Wire:
    """The commands' topic, read by all at once. `delay_ms`: so long records are on their way, by their time."""

    def __init__(self) -> None:
        self.records: list[Kept] = []
        self.readers: list[Commands] = []
        self.delay_ms = 0
        self.away = False

    async def write(self, record: Written) -> None:
        if self.away:
            raise KafkaUnavailable
        now_ms = int(time.time() * 1000) - self.delay_ms
        kept = Kept(len(self.records), now_ms, record.key.encode(), record.value, record.headers)
        self.records.append(kept)
        self.give(kept)

    def give(self, kept: Kept) -> None:
        for reader in self.readers:
            reader.take(heading(kept), kept.value)


class Instance:
    def __init__(self, name: str, wire: Wire, owned: Owner | None = None) -> None:
        self.monitor = Monitor()
        self.events: list[Event] = []
        self.monitor.subscribe(CommandExecuted, self.events.append)
        executors = Executors(name, self.monitor)
        executors.serve("seek", self._seek)
        executors.serve("stop", self._refuse)
        self.commands = Commands(executors, lambda owner: owner == owned, wire.write, self.monitor)
        self.executed: list[Row] = []
        self.hold: asyncio.Event | None = None
        wire.readers.append(self.commands)

    async def _seek(self, command: Command) -> Row:
        self.executed.append(command.arguments)
        if self.hold is not None:
            await self.hold.wait()
        return {"was": 3}

    async def _refuse(self, command: Command) -> Row:
        raise CommandRefused("not now")


@pytest.fixture
def wire() -> Wire:
    return Wire()


async def test_whoever_it_is_for_executes_it_and_answers(wire: Wire) -> None:
    a, b, c = Instance("a", wire), Instance("b", wire), Instance("c", wire, MINE)
    answer = await a.commands.send("b", Command("seek", "ops", {"offset": 9}))
    assert (answer.outcome, answer.instance, answer.result) == ("done", "b", {"was": 3})
    answer = await a.commands.send(MINE, Command("seek", "ops", {"offset": 1}))
    assert (answer.outcome, answer.instance) == ("done", "c")
    assert (a.executed, b.executed, c.executed) == ([], [{"offset": 9}], [{"offset": 1}])
    (event,) = b.events
    assert isinstance(event, CommandExecuted)
    assert (event.name, event.by, event.sender, event.outcome) == ("seek", "ops", "a", "done")


async def test_a_refusal_is_the_answer(wire: Wire) -> None:
    a, _ = Instance("a", wire), Instance("b", wire)
    answer = await a.commands.send("b", Command("stop", "ops"))
    assert (answer.outcome, answer.detail) == ("refused", "not now")


async def test_it_is_executed_once_however_often_it_is_read(wire: Wire) -> None:
    a, b = Instance("a", wire), Instance("b", wire)
    await a.commands.send("b", Command("seek", "ops"))
    for kept in list(wire.records):
        wire.give(kept)
    await asyncio.sleep(0)
    assert len(b.executed) == 1


async def test_one_that_was_on_its_way_for_too_long_is_not_executed(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_WITHIN_S", 0.05)
    a, b = Instance("a", wire), Instance("b", wire)
    wire.delay_ms = int(STALE_AFTER_S * 1000) + 2000
    answer = await a.commands.send("b", Command("seek", "ops"))
    assert (answer.outcome, answer.detail) == ("no_answer", "Nobody answered within 0.05 s")
    assert b.executed == []
    assert [event.outcome for event in b.events if isinstance(event, CommandExecuted)] == ["refused"]


async def test_what_was_sent_before_its_start_was_for_another_owner(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_WITHIN_S", 0.05)
    a, b = Instance("a", wire), Instance("b", wire, MINE)
    wire.delay_ms = 5000
    assert (await a.commands.send(MINE, Command("seek", "ops"))).outcome == "no_answer"
    assert b.executed == []
    assert (await a.commands.send("b", Command("seek", "ops"))).outcome == "done", "nobody else has its name"


async def test_nobody_may_have_the_partition(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_WITHIN_S", 0.05)
    a = Instance("a", wire)
    assert (await a.commands.send(MINE, Command("seek", "ops"))).outcome == "no_answer"


async def test_kafka_may_be_away(wire: Wire) -> None:
    wire.away = True
    with pytest.raises(KafkaUnavailable):
        await Instance("a", wire).commands.send("b", Command("seek", "ops"))


async def test_no_more_are_executed_at_once_than_a_few(wire: Wire) -> None:
    a, b = Instance("a", wire), Instance("b", wire)
    b.hold = asyncio.Event()
    sent = [asyncio.create_task(a.commands.send("b", Command("seek", "ops"))) for _ in range(MOST_RUNNING)]
    await until(lambda: len(b.executed) == MOST_RUNNING, "as many run")
    one_more = asyncio.create_task(a.commands.send("b", Command("seek", "ops")))
    await until(lambda: b.events, "the last one is refused")
    b.hold.set()
    assert {(await one).outcome for one in sent} == {"done"}
    assert len(b.executed) == MOST_RUNNING
    one_more.cancel()


def test_records_that_are_not_ours_are_passed_over(wire: Wire) -> None:
    b = Instance("b", wire)
    for kind in ("command", "answer", ""):
        b.commands.take(Heading(kind, "k", 0, None), pack({"id": 3}))
        b.commands.take(Heading(kind, "k", 0, None), b"\x00")
    assert b.executed == []
    assert written("command", "k", None).value is None


async def test_a_stop_cuts_what_is_being_executed(wire: Wire) -> None:
    a, b = Instance("a", wire), Instance("b", wire)
    b.hold = asyncio.Event()
    sending = asyncio.create_task(a.commands.send("b", Command("seek", "ops")))
    await until(lambda: b.executed, "it runs")
    await b.commands.stop(0.1)
    assert not sending.done()
    sending.cancel()
