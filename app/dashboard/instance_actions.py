"""Making an instance quiet, and stopping it."""

from __future__ import annotations

from typing import Any, Protocol

from app.api.problems import Refusal
from app.dashboard.action_bodies import ActionBody, invalid
from app.dashboard.actions import Action, Answer, Asked
from app.errors import CommandRefused, Fault
from app.fleet.view import Command, FleetView, Row

ACCEPTED = 202
ANOTHERS = "This process belongs to another server, which must be told to stop"


class Stoppable(Protocol):
    """The service of this process."""

    def quiet(self) -> None:
        """Consumers begin nothing more; jobs go on to their end, and HTTP is served on. May be called again."""

    def ask_to_stop(self) -> bool:
        """Begins the ordered stop, as SIGTERM does. False where the process is not the service's own."""


class ConfirmBody(ActionBody):
    """`confirm`: the name of the instance once more."""

    confirm: str


def instance_actions(fleet: FleetView, service: Stoppable) -> list[Action[Any]]:
    """Both actions, for every instance of the fleet."""

    async def quiet_here(_: Command) -> Row:
        service.quiet()
        return {}

    async def stop_here(_: Command) -> Row:
        if not service.ask_to_stop():
            raise CommandRefused(ANOTHERS)
        return {}

    fleet.serve("quiet", quiet_here)
    fleet.serve("stop", stop_here)

    async def quiet(asked: Asked[ConfirmBody]) -> Answer:
        return await _send(fleet, asked, "quiet")

    async def stop(asked: Asked[ConfirmBody]) -> Answer:
        return await _send(fleet, asked, "stop")

    return [
        Action("instance.quiet", "/dashboard/api/instances/{instance}/quiet", ConfirmBody, quiet, _target),
        Action(
            "instance.stop", "/dashboard/api/instances/{instance}/stop", ConfirmBody, stop, _target, while_quiet=True
        ),
    ]


async def _send(fleet: FleetView, asked: Asked[ConfirmBody], name: str) -> Answer:
    """Raises Refusal: invalid_action without its name, not_found, conflict where it was not done."""
    instance = asked.path["instance"]
    if asked.body.confirm != instance:
        raise invalid([Fault("confirm", f"must be the name of the instance, {instance}")])
    if instance not in {report.instance for report in fleet.instances() if not report.gone}:
        alone = f": {fleet.why_off}" if fleet.why_off else ""
        raise Refusal("not_found", f"There is no instance {instance} that can be reached from here{alone}")
    answer = await fleet.send(instance, Command(name, asked.by))
    if answer.outcome != "done":
        raise Refusal("conflict", answer.detail or f"{instance} did not answer")
    return Answer({"command": name, "status": "begun"}, ACCEPTED)


def _target(asked: Asked[Any]) -> str:
    return asked.path["instance"]
