"""Commands that reach this instance, and what it remembers."""

from __future__ import annotations

from app.errors import CommandRefused
from app.events import ErrorOccurred, Event, Monitor
from app.fleet.desk import Executors, Memory
from app.fleet.view import Answer, Command, Row


async def refuse(command: Command) -> Row:
    raise CommandRefused(f"no {command.name} today")


async def fail(_: Command) -> Row:
    raise KeyError("x")


async def echo(command: Command) -> Row:
    return {"by": command.by, **command.arguments}


async def test_a_command_is_executed_by_whoever_serves_its_name() -> None:
    executors = Executors("a", Monitor())
    executors.serve("seek", echo)
    command = Command("seek", "ops", {"offset": 3})
    assert await executors.execute(command) == Answer(command.id, "done", "a", result={"by": "ops", "offset": 3})


async def test_a_command_that_nobody_serves_is_refused() -> None:
    answer = await Executors("a", Monitor()).execute(Command("fly", "ops"))
    assert (answer.outcome, answer.detail) == ("refused", "This instance knows no command 'fly'")


async def test_a_refusal_is_answered_and_a_mistake_is_announced() -> None:
    monitor, errors = Monitor(), list[Event]()
    monitor.subscribe(ErrorOccurred, errors.append)
    executors = Executors("a", monitor)
    executors.serve("stop", refuse)
    executors.serve("quiet", fail)
    refused = await executors.execute(Command("stop", "ops"))
    assert (refused.outcome, refused.detail, errors) == ("refused", "no stop today", [])
    assert (await executors.execute(Command("quiet", "ops"))).outcome == "failed"
    assert len(errors) == 1


def test_those_who_watch_hear_of_what_is_known_and_of_each_change_once() -> None:
    memory, heard = Memory(), list[tuple[str, Row | None]]()
    memory.keep("pause/a", {"by": "x"})
    memory.watch("pause/", lambda key, value: heard.append((key, value)))
    memory.keep("pause/a", {"by": "x"})
    memory.keep("other", {"by": "x"})
    memory.keep("pause/a", None)
    memory.keep("pause/a", None)
    assert heard == [("pause/a", {"by": "x"}), ("pause/a", None)]
    assert memory.remembered("") == {"other": {"by": "x"}}
