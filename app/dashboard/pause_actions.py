"""Pausing and resuming partitions of a group, one or all of a topic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Protocol

from pydantic import Field

from app.api.problems import Refusal
from app.dashboard.action_bodies import ActionBody
from app.dashboard.actions import Action, Answer, Asked
from app.errors import KafkaUnavailable
from app.fleet.pauses import Pauses
from app.messages import TopicPartition

PartitionNumber = Annotated[int, Field(ge=0, le=2**31 - 1)]
MOST_REASON = 500


class Consumed(Protocol):
    """What the table's groups consume."""

    def consumed(self, group: str) -> Mapping[str, int] | None:
        """Partition counts by topic; None where the table has no such group."""


class PauseBody(ActionBody):
    """`partition`: None means all that the topic has now."""

    group: str
    topic: str
    partition: PartitionNumber | None = None
    reason: Annotated[str, Field(max_length=MOST_REASON)] | None = None


class ResumeBody(ActionBody):
    """As of PauseBody."""

    group: str
    topic: str
    partition: PartitionNumber | None = None


def pause_actions(pauses: Pauses, consumed: Consumed) -> list[Action[Any]]:
    """Both actions."""

    async def pause(asked: Asked[PauseBody]) -> Answer:
        body = asked.body
        partitions = named_partitions(consumed, body.group, body.topic, body.partition)
        await pauses.pause(body.group, partitions, asked.by, body.reason)
        return _answer(pauses, body.group, partitions)

    async def resume(asked: Asked[ResumeBody]) -> Answer:
        body = asked.body
        partitions = named_partitions(consumed, body.group, body.topic, body.partition)
        await pauses.resume(body.group, partitions)
        return _answer(pauses, body.group, partitions)

    return [
        Action("partitions.pause", "/dashboard/api/partitions/pause", PauseBody, pause, _target),
        Action("partitions.resume", "/dashboard/api/partitions/resume", ResumeBody, resume, _target),
    ]


def named_partitions(consumed: Consumed, group: str, topic: str, partition: int | None) -> list[TopicPartition]:
    """The partitions that an action names. Raises Refusal `not_found` where there is none, KafkaUnavailable where that
    is not known."""
    topics = consumed.consumed(group)
    if topics is None:
        raise Refusal("not_found", f"The routing table has no consumer group {group}")
    if not topics:
        raise KafkaUnavailable("Kafka has not yet answered which partitions there are")
    count = topics.get(topic)
    if count is None:
        raise Refusal("not_found", f"Group {group} does not consume a topic {topic}")
    if partition is not None and partition >= count:
        raise Refusal("not_found", f"{topic} has the partitions 0 to {count - 1}, not {partition}")
    return [TopicPartition(topic, number) for number in (range(count) if partition is None else (partition,))]


def _answer(pauses: Pauses, group: str, partitions: list[TopicPartition]) -> Answer:
    rows = [
        {"topic": at.topic, "partition": at.partition, "paused_by": pauses.paused_by(group, at)} for at in partitions
    ]
    why_not = pauses.why_not_kept
    detail = "" if why_not is None else f"for the life of this process only: {why_not}"
    return Answer({"partitions": rows, "kept": why_not is None, "detail": detail or None}, detail=detail)


def _target(asked: Asked[Any]) -> str:
    body = asked.body
    return f"{body.group} {body.topic}-{'*' if body.partition is None else body.partition}"
