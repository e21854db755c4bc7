"""Sending a partition of a group elsewhere, with a preview of what that would mean."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Protocol

from pydantic import AfterValidator

from app.api.problems import Refusal
from app.consumer import SeekTarget
from app.consuming.seeking import Sought
from app.dashboard.action_bodies import ActionBody, invalid
from app.dashboard.actions import Action, Answer, Asked
from app.dashboard.pause_actions import Consumed, PartitionNumber, named_partitions
from app.errors import Fault, SeekFailed
from app.messages import TopicPartition

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


def seek_action(seeks: Seeks, consumed: Consumed) -> Action[SeekBody]:
    """The action."""

    async def seek(asked: Asked[SeekBody]) -> Answer:
        body = asked.body
        (at,) = named_partitions(consumed, body.group, body.topic, body.partition)
        try:
            sought = await seeks.seek(body.group, at, body.to, preview=body.preview)
        except SeekFailed as error:
            raise invalid([Fault("to", str(error))]) from error
        if sought is None:
            raise Refusal("conflict", f"{at} of group {body.group} is not assigned to this instance: ask the one it is")
        return Answer(sought_document(sought), detail=_detail(sought), acted=not body.preview)

    return Action(
        "partitions.seek",
        "/dashboard/api/partitions/seek",
        SeekBody,
        seek,
        lambda asked: f"{asked.body.group} {asked.body.topic}-{asked.body.partition}",
    )


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


def _detail(sought: Sought) -> str:
    moved = f"from {sought.old} to {sought.new}, {sought.again} again, {sought.skipped} skipped"
    return f"{moved}, once the running batch is done" if sought.waiting else moved
