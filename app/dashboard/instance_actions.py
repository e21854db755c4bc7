"""Making an instance quiet, and stopping it."""

from __future__ import annotations

from typing import Any, Protocol

from app.api.problems import Refusal
from app.dashboard.action_bodies import ActionBody, invalid
from app.dashboard.actions import Action, Answer, Asked
from app.errors import Fault

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


def instance_actions(instance: str, service: Stoppable) -> list[Action[Any]]:
    """Both actions."""

    async def quiet(asked: Asked[ConfirmBody]) -> Answer:
        _check(asked, instance)
        service.quiet()
        return _accepted("quiet")

    async def stop(asked: Asked[ConfirmBody]) -> Answer:
        _check(asked, instance)
        if not service.ask_to_stop():
            raise Refusal("conflict", ANOTHERS)
        return _accepted("stop")

    return [
        Action("instance.quiet", "/dashboard/api/instances/{instance}/quiet", ConfirmBody, quiet, _target),
        Action(
            "instance.stop", "/dashboard/api/instances/{instance}/stop", ConfirmBody, stop, _target, while_quiet=True
        ),
    ]


def _check(asked: Asked[ConfirmBody], instance: str) -> None:
    named = asked.path["instance"]
    if asked.body.confirm != named:
        raise invalid([Fault("confirm", f"must be the name of the instance, {named}")])
    if named != instance:
        raise Refusal("not_found", f"This is {instance}, which does not reach an instance {named}")


def _target(asked: Asked[Any]) -> str:
    return asked.path["instance"]


def _accepted(command: str) -> Answer:
    return Answer({"command": command, "status": "begun"}, ACCEPTED)
