"""Which dead letters have been redriven, by DLQ, partition and offset: a compacted topic of the fleet's.

It is written in the same transaction as the messages themselves, one record for each partition of a DLQ. So a record
that was sent is known to have been sent, and the other way round, whatever is killed in between.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from app.errors import KafkaUnavailable
from app.events import Monitor, TopicCreated
from app.kafka.protocols import ClusterView, PartitionReader
from app.messages import OutgoingMessage, TopicPartition
from app.redriving.ranges import Ranges

CONFIG: Mapping[str, str] = {
    "cleanup.policy": "compact",
    "segment.bytes": str(1024 * 1024),
    "min.cleanable.dirty.ratio": "0.1",
}
"""Small segments: only closed ones are compacted, and every redrive reads all that is left."""
CREATE_TIMEOUT_S = 10.0
READ_WITHIN_S = 30.0
SHOWN_AGE_S = 2.0
"""How old what is only shown may be."""
WAIT_S = 0.2
MOST = 500

OpenReader = Callable[[Mapping[TopicPartition, int | None]], PartitionReader]
Redriven = dict[int, Ranges]
"""By partition of a DLQ."""


class RedriveMemory:
    """Knows and writes what was redriven, in the topic `stored_in`. `create`: whether that may be made; `why_local`:
    why it is of no use."""

    def __init__(
        self,
        stored_in: str,
        cluster: ClusterView,
        open_reader: OpenReader,
        monitor: Monitor,
        *,
        create: bool,
        why_local: str | None = None,
    ) -> None:
        self._stored_in = stored_in
        self._cluster = cluster
        self._open_reader = open_reader
        self._monitor = monitor
        self._create = create
        self._why_local = why_local
        self._local: dict[str, Redriven] = {}
        self._shown: dict[str, tuple[float, Redriven]] = {}

    async def prepare(self) -> None:
        """Makes the topic where it is missing and may be made. Raises KafkaUnavailable."""
        if self._why_local is None and self._create and self._stored_in not in self._cluster.topics():
            if await self._cluster.create_topic(self._stored_in, 1, CONFIG, timeout_s=CREATE_TIMEOUT_S):
                self._monitor.emit(TopicCreated(self._stored_in, 1))
            await self._cluster.refresh(timeout_s=CREATE_TIMEOUT_S)

    @property
    def why_not_kept(self) -> str | None:
        """Why it is known for the life of this process only; None: it is kept."""
        if self._why_local is not None:
            return self._why_local
        if self._stored_in in self._cluster.topics():
            return None
        return f"the topic {self._stored_in} does not exist, and KAFKA_CREATE_TOPICS is false"

    async def read(self, topic: str) -> Redriven:
        """What is known of `topic`, asked for now: of others only what they have committed. Raises KafkaUnavailable."""
        if self.why_not_kept is not None:
            return dict(self._local.get(topic, {}))
        count = self._cluster.topics().get(self._stored_in, 0)
        reader = self._open_reader({TopicPartition(self._stored_in, number): None for number in range(count)})
        found: Redriven = {}
        try:
            async with asyncio.timeout(READ_WITHIN_S):
                await reader.start()
                while not reader.caught_up():
                    for record in await reader.read(MOST, WAIT_S):
                        self._take(found, topic, (record.key or b"").decode("utf-8", "replace"), record.value)
        except TimeoutError as error:
            raise KafkaUnavailable(f"{self._stored_in} could not be read in {READ_WITHIN_S:g} s") from error
        finally:
            await reader.stop(1)
        return found

    async def shown(self, topic: str) -> Redriven | None:
        """The same for people's eyes, a moment old perhaps; None where it cannot be had now."""
        read_at, found = self._shown.get(topic, (0.0, {}))
        if time.monotonic() - read_at > SHOWN_AGE_S:
            try:
                found = await self.read(topic)
            except KafkaUnavailable:
                return None
            self._shown = {topic: (time.monotonic(), found)}
        return found

    def _take(self, found: Redriven, topic: str, key: str, value: bytes | None) -> None:
        if not key.startswith(_prefix(topic)) or value is None:
            return
        try:
            row = orjson.loads(value)
        except ValueError:
            return
        if isinstance(row, dict):
            self._put(found, topic, key, row)

    def _put(self, found: Redriven, topic: str, key: str, row: Mapping[str, Any]) -> None:
        """What was written of another topic of the same name, which was deleted, says nothing of this one."""
        number = key.removeprefix(_prefix(topic))
        if number.isdecimal() and row.get("topic_id") in (None, self._topic_id(topic)):
            found[int(number)] = Ranges((int(first), int(last)) for first, last in row.get("ranges", ()))

    def _topic_id(self, topic: str) -> str | None:
        found = self._cluster.topic_id(topic)
        return None if found is None else found.hex()

    def messages(self, topic: str, redriven: Redriven) -> list[OutgoingMessage]:
        """What is to be stored, in the transaction of the messages themselves, so that this is known."""
        if self.why_not_kept is not None:
            return []
        topic_id = self._topic_id(topic)
        return [
            OutgoingMessage(
                topic=self._stored_in,
                key=f"{_prefix(topic)}{partition}",
                payload=orjson.dumps({"topic_id": topic_id, "ranges": ranges.pairs}),
            )
            for partition, ranges in redriven.items()
        ]

    def committed(self, topic: str, redriven: Redriven) -> None:
        """The transaction is committed."""
        if self.why_not_kept is not None:
            self._local.setdefault(topic, {}).update(redriven)


def _prefix(topic: str) -> str:
    return f"redrive/{topic}/"
