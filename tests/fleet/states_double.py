"""A compacted topic that exists in memory only."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.errors import BrokerUnavailable, KafkaUnavailable
from app.kafka.records import FetchedRecord
from app.messages import Record, TopicPartition


@dataclass(frozen=True)
class Stored:
    offset: int


class StatesTopic:
    """Opens readers of itself and takes messages as a producer does. `away`: no broker answers."""

    def __init__(self, topic: str) -> None:
        self.records: list[Record] = []
        self.away = False
        self.held_back: int | None = None
        """Readers are given nothing from this offset on."""
        self.stopped = 0
        self._topic = topic

    def write(self, key: str, payload: bytes | None) -> Stored:
        offset = len(self.records)
        self.records.append(FetchedRecord(self._topic, 0, offset, 0, key.encode(), payload, ()))
        return Stored(offset)

    async def produce_sync(self, *, topic: str, key: str, payload: bytes | None) -> Stored:
        if self.away:
            raise BrokerUnavailable
        return self.write(key, payload)

    def open(self, starts: Mapping[TopicPartition, int | None]) -> StatesReader:
        return StatesReader(self)


class StatesReader:
    """Implements `app.kafka.protocols.PartitionReader`."""

    def __init__(self, topic: StatesTopic) -> None:
        self._topic = topic
        self._at = self._end = 0

    async def start(self) -> None:
        if self._topic.away:
            raise KafkaUnavailable("No broker answers")
        self._end = len(self._topic.records)

    @property
    def ends(self) -> Mapping[TopicPartition, int]:
        return {TopicPartition("", 0): self._end}

    def caught_up(self) -> bool:
        return self._at >= self._end

    def position(self, at: TopicPartition) -> int:
        return self._at

    async def read(self, most: int, timeout_s: float) -> Sequence[Record]:
        found = self._topic.records[self._at : self._topic.held_back]
        self._at += len(found)
        await asyncio.sleep(0 if found else 0.005)
        return found

    async def stop(self, grace_s: float) -> None:
        self._topic.stopped += 1
