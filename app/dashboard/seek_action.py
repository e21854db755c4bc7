"""Sending a partition of a group elsewhere, with a preview of what that would mean."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Protocol

from pydantic import AfterValidator, ValidationError

from app.api.problems import Refusal
from app.consumer import SeekTarget
from app.consuming.seeking import Sought
from app.dashboard.action_bodies import ActionBody, invalid
from app.dashboard.actions import Action, Answer, Asked
from app.dashboard.pause_actions import Consumed, PartitionNumber, named_partitions
from app.errors import CommandRefused, Fault, SeekFailed
from app.fleet.view import Command, FleetView, Owner, Row
from app.messages import TopicPartition

COMMAND = "seek"
PLACES = 'must be "earliest", "latest", {"offset": n} or {"timestamp": ms since 1970}'
LATEST_MS = 253_402_300_799_999
"""The last millisecond that a datetime can name."""


class Seeks(Protocol):
    """The consuming side: `app.consuming.runtime.Runtime` is one."""

    async def seek(self, group: str, at: TopicPartition, target: SeekTarget, *, preview: bool) -> Sought | None: ...


def seek_target(to: Any) -> SeekTarget:
    """Where `to` of an action's body is. Raises ValueError."""
    if to in ("earliest", "latest"):
        return to  # type: ignore[no-any-return]  # one of two words
    if isinstance(to, dict) and len(to) == 1:
        ((name, number),) = to.items()
        if isinstance(number, int) and not isinstance(number, bool) and number >= 0:
            if name == "offset" and number < 2**63:
                return number
            if name == "timestamp" and number <= LATEST_MS:
                return datetime.fromtimestamp(number / 1000, UTC)
    raise ValueError(PLACES)


class SeekBody(ActionBody):
    """`to`: "earliest", "latest", an offset, or the first record at or after a time. `preview`: nothing is moved."""

    group: str
    topic: str
    partition: PartitionNumber
    to: Annotated[Any, AfterValidator(seek_target)]
    preview: bool = False


def seek_action(seeks: Seeks, consumed: Consumed, fleet: FleetView) -> Action[SeekBody]:
    """The action. Where another instance has the partition, that one does it."""
    fleet.serve(COMMAND, partial(_seek_for_another, seeks))

    async def seek(asked: Asked[SeekBody]) -> Answer:
        body = asked.body
        (at,) = named_partitions(consumed, body.group, body.topic, body.partition)
        try:
            sought = await seeks.seek(body.group, at, body.to, preview=body.preview)
        except SeekFailed as error:
            raise invalid([Fault("to", str(error))]) from error
        document = await _elsewhere(fleet, asked) if sought is None else sought_document(sought)
        return Answer(document, detail=_detail(document), acted=not body.preview)

    return Action(
        "partitions.seek",
        "/dashboard/api/partitions/seek",
        SeekBody,
        seek,
        lambda asked: f"{asked.body.group} {asked.body.topic}-{asked.body.partition}",
    )


async def _elsewhere(fleet: FleetView, asked: Asked[SeekBody]) -> Row:
    """Raises Refusal `conflict` where nobody has done it."""
    body = asked.body
    arguments = {**body.model_dump(), "to": _place(body.to)}
    answer = await fleet.send(Owner(body.group, body.topic, body.partition), Command(COMMAND, asked.by, arguments))
    if answer.outcome != "done":
        place = f"{body.topic}-{body.partition} of group {body.group}"
        at = "another instance" if answer.instance is None else answer.instance
        raise Refusal("conflict", f"{place} is not assigned to this instance, and {at} did not do it: {answer.detail}")
    return answer.result


async def _seek_for_another(seeks: Seeks, command: Command) -> Row:
    try:
        body = SeekBody.model_validate(dict(command.arguments))
        at = TopicPartition(body.topic, body.partition)
        sought = await seeks.seek(body.group, at, body.to, preview=body.preview)
    except (ValidationError, SeekFailed) as error:
        raise CommandRefused(str(error)) from error
    if sought is None:
        raise CommandRefused(f"{at} of group {body.group} is not assigned here (any more)")
    return sought_document(sought)


def _place(target: SeekTarget) -> Any:
    """As `seek_target` reads it."""
    if isinstance(target, datetime):
        return {"timestamp": round(target.timestamp() * 1000)}
    return {"offset": target} if isinstance(target, int) else target


def sought_document(sought: Sought) -> dict[str, Any]:
    """As JSON values."""
    return {
        "old": sought.old,
        "new": sought.new,
        "beginning": sought.beginning,
        "end": sought.end,
        "again": sought.again,
        "skipped": sought.skipped,
        "applied": sought.applied,
        "waiting": sought.waiting,
    }


def _detail(sought: Row) -> str:
    moved = "from {old} to {new}, {again} again, {skipped} skipped".format(**sought)
    return f"{moved}, once the running batch is done" if sought.get("waiting") else moved
