"""One instance alone has the shape of a fleet."""

from __future__ import annotations

from app.events import Monitor
from app.fleet.alone import Alone
from app.fleet.view import Command, FleetView, Owner, Row
from tests.fleet.reports import report

HERE = Owner("g", "t", 0)


def alone() -> FleetView:
    return Alone("a", "FLEET is off", lambda: report("a"), lambda owner: owner == HERE, Monitor())


async def done(_: Command) -> Row:
    return {"ok": True}


def test_it_shows_itself_and_says_why_it_shows_no_other() -> None:
    fleet = alone()
    assert [one.instance for one in fleet.instances()] == ["a"]
    assert (fleet.size, fleet.why_off, fleet.history("5m"), fleet.errors()) == (1, "FLEET is off", None, ())


async def test_commands_for_itself_and_for_what_it_owns_are_executed() -> None:
    fleet = alone()
    fleet.serve("quiet", done)
    assert (await fleet.send("a", Command("quiet", "ops"))).result == {"ok": True}
    assert (await fleet.send(HERE, Command("quiet", "ops"))).outcome == "done"
    assert (await fleet.send("b", Command("quiet", "ops"))).outcome == "no_answer"
    assert (await fleet.send(Owner("g", "t", 1), Command("quiet", "ops"))).outcome == "no_answer"
