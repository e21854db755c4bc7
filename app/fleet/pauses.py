"""Partitions that operators have paused: remembered by all instances, heeded by whichever has the partition."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

from app.fleet.view import Row, Watch
from app.messages import TopicPartition

PREFIX = "pause/"


class Remembering(Protocol):
    """What keeps values over restarts; `States` does."""

    @property
    def why_local(self) -> str | None: ...
    async def remember(self, key: str, value: Row | None) -> None: ...
    def remembered(self, prefix: str) -> Mapping[str, Row]: ...
    def watch(self, prefix: str, told: Watch) -> None: ...


class Steered(Protocol):
    """The consuming side: `app.consuming.runtime.Runtime` is one."""

    def pause(self, group: str, partition: TopicPartition, by: str) -> bool: ...
    def resume(self, group: str, partition: TopicPartition) -> bool: ...


class Pauses:
    """Tells the consuming side of every pause, its own and those of other instances."""

    def __init__(self, states: Remembering, consuming: Steered) -> None:
        self._states = states
        self._consuming = consuming
        states.watch(PREFIX, self._told)

    @property
    def why_not_kept(self) -> str | None:
        """Why a pause holds for the life of this process only; None: it is kept."""
        return self._states.why_local

    async def pause(self, group: str, partitions: Sequence[TopicPartition], by: str, reason: str | None) -> None:
        """No batch of these is begun until they are resumed. Raises KafkaUnavailable: some may be paused."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        row = {"by": by, "at": at, "reason": reason}
        await asyncio.gather(*(self._states.remember(_key(group, partition), row) for partition in partitions))

    async def resume(self, group: str, partitions: Sequence[TopicPartition]) -> None:
        """They go on where they stand. Raises KafkaUnavailable: some may be resumed."""
        await asyncio.gather(*(self._states.remember(_key(group, partition), None) for partition in partitions))

    def paused_by(self, group: str, partition: TopicPartition) -> str | None:
        """Who has paused it."""
        key = _key(group, partition)
        row = self._states.remembered(key).get(key)
        return None if row is None else str(row.get("by"))

    def _told(self, key: str, row: Row | None) -> None:
        named = _named(key)
        if named is None:
            return
        group, partition = named
        if row is None:
            self._consuming.resume(group, partition)
        else:
            self._consuming.pause(group, partition, str(row.get("by")))


def _key(group: str, at: TopicPartition) -> str:
    return f"{PREFIX}{group}/{at.topic}/{at.partition}"


def _named(key: str) -> tuple[str, TopicPartition] | None:
    """(group, partition) of a key; a group's name may hold slashes, the others' cannot."""
    group, topic, partition = ["", "", *key.removeprefix(PREFIX).rsplit("/", 2)][-3:]
    return (group, TopicPartition(topic, int(partition))) if group and topic and partition.isdecimal() else None
