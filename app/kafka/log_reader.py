"""Reads one topic for somebody who looks into it: a short-lived client without a group, which commits nothing.

Unlike a consumer it fetches what it is told and nothing ahead, and says up to where it has seen the log: also behind
records that were compacted away, control records and aborted transactions, which are never given.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal, NamedTuple

import msgspec
from aiokafka import TopicPartition as ClientPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.fetcher import READ_COMMITTED, READ_UNCOMMITTED, PartitionRecords
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaError,
    NodeNotReadyError,
    OffsetOutOfRangeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.record.memory_records import MemoryRecords

from app.errors import AdminForbidden, FetchFailed, KafkaUnavailable, NoSuchResource
from app.kafka.connection import connection_options
from app.kafka.tasks import bounded, reason
from app.messages import Headers
from app.settings import Settings

Isolation = Literal["read_committed", "read_uncommitted"]
LATEST, EARLIEST = -1, -2
NO_REPLICA = -1
NEVER_MS = 3_600_000
"""The client's own refresh asks for all topics of the cluster; leaders are asked for here."""
CLOSE_TIMEOUT_S = 1.0
NODE_TIMEOUT_S, ANY_TIMEOUT_S = 3.0, 2.0
AGAIN_S = 0.1
PATIENCE_S = 1.0
"""A leader may be new, and a partition so new that its leader does not know it yet."""
RECORDS_IN_A_TURN = 500
UNANSWERED = (KafkaError, OSError, TimeoutError)
FORBIDDEN = (TopicAuthorizationFailedError, GroupAuthorizationFailedError)


class StoredRecord(msgspec.Struct, frozen=True, gc=False):
    """A record as it stands in the log. `timestamp` in ms since 1970, -1 where there is none; `by_broker`: it was set
    when the record was appended, not when it was created."""

    partition: int
    offset: int
    timestamp: int
    by_broker: bool
    key: bytes | None
    value: bytes | None
    headers: Headers


class Fetched(NamedTuple):
    """What one fetch gave of a partition. `next_offset`: everything before it has been seen; `end`: up to where the
    partition may be read now."""

    records: list[StoredRecord]
    next_offset: int
    size_bytes: int
    end: int


class LogReader:
    """A client of one topic. Every method raises KafkaUnavailable, AdminForbidden, NoSuchResource."""

    def __init__(self, options: Mapping[str, Any], topic: str, isolation: Isolation) -> None:
        self._options = options
        self._client = AIOKafkaClient(**options)
        self.topic = topic
        self._isolation = READ_COMMITTED if isolation == "read_committed" else READ_UNCOMMITTED
        self._leaders: dict[int, int] = {}

    @property
    def partitions(self) -> Collection[int]:
        """All of them, in order."""
        return sorted(self._leaders)

    @property
    def without_leader(self) -> Collection[int]:
        """Those that cannot be read now."""
        return sorted(partition for partition, leader in self._leaders.items() if leader < 0)

    async def start(self) -> None:
        """Connects, and learns who leads the partitions."""
        with self._errors():
            await self._connect()
        await self._learn_leaders()

    async def _connect(self) -> None:
        """Over one server after the other: aiokafka would wait for one that hangs as long as a request may take."""
        servers = random.sample(self._options["bootstrap_servers"], len(self._options["bootstrap_servers"]))
        for server in servers[:-1]:
            self._client = AIOKafkaClient(**{**self._options, "bootstrap_servers": [server]})
            try:
                await bounded(self._client.bootstrap(), ANY_TIMEOUT_S)
            except UNANSWERED:
                await self.close()
            else:
                return
        self._client = AIOKafkaClient(**{**self._options, "bootstrap_servers": servers[-1:]})
        await self._client.bootstrap()

    async def _learn_leaders(self) -> None:
        """Asks without creating the topic where brokers create what they are asked for."""
        with self._errors():
            request = MetadataRequest([self.topic], allow_auto_topic_creation=False)
            answer = await self._answer_of_any(request)
            self._client.cluster.update_metadata(answer)
            ((code, _topic, _internal, partitions),) = answer.topics
            if code and not partitions:
                raise for_code(code)()
            leaders = {one[1]: one[2] for one in partitions}
            reached = {node for node in set(leaders.values()) if node >= 0 and await self._reaches(node)}
            self._leaders = {one: leader if leader in reached else -1 for one, leader in leaders.items()}
            if leaders and not reached:
                raise NodeNotReadyError("no broker that leads one of its partitions can be reached")

    async def _reaches(self, node: int) -> bool:
        """Whether it is connected, or can be at once. They are made one by one: one that hangs holds up all."""
        with contextlib.suppress(*UNANSWERED):
            return bool(await bounded(self._client.ready(node), ANY_TIMEOUT_S))
        return False

    async def _answer_of_any(self, request: Any) -> Any:
        """Of the first broker that answers: one may hang."""
        nodes = [broker.nodeId for broker in self._client.cluster.brokers()]
        for node in nodes[:-1]:
            with contextlib.suppress(*UNANSWERED):
                return await bounded(self._client.send(node, request), ANY_TIMEOUT_S)
        if not nodes:
            raise NodeNotReadyError("no broker is known")
        return await self._client.send(nodes[-1], request)

    async def _answers(self, requests: Mapping[int, Any]) -> list[Any]:
        """What came back, by node. A broker that does not answer within 3 s is left out, if any other does."""
        asked = (self._answer(node, request) for node, request in requests.items())
        answers = await asyncio.gather(*asked, return_exceptions=True)
        good = [answer for answer in answers if not isinstance(answer, BaseException)]
        for answer in answers:
            if isinstance(answer, BaseException) and not (good and isinstance(answer, UNANSWERED)):
                raise answer
        return good

    async def _answer(self, node: int, request: Any) -> Any:
        return await bounded(self._client.send(node, request), NODE_TIMEOUT_S)

    async def bounds(self, partitions: Collection[int]) -> Mapping[int, tuple[int, int]]:
        """(first offset, the one up to which it may be read) of each partition that has a leader."""
        begins, ends = await asyncio.gather(self.offsets(partitions, EARLIEST), self.offsets(partitions, LATEST))
        return {
            partition: (begin, max(begin, ends[partition])) for partition, begin in begins.items() if partition in ends
        }

    async def offsets(self, partitions: Collection[int], at: int) -> Mapping[int, int]:
        """Of each partition the first offset at or after a time in ms, or EARLIEST, or LATEST; -1 where there is none.

        Partitions that no leader answers for within a second are left out.
        """
        found: dict[int, int] = {}
        patience_ends = time.monotonic() + PATIENCE_S
        while missing := [partition for partition in partitions if partition not in found]:
            with self._errors():
                found |= await self._offsets(missing, at)
            if len(found) == len(partitions) or time.monotonic() > patience_ends:
                break
            await asyncio.sleep(AGAIN_S)
            await self._learn_leaders()
        return found

    async def _offsets(self, partitions: Collection[int], at: int) -> Mapping[int, int]:
        requests = {
            node: OffsetRequest(NO_REPLICA, self._isolation, [(self.topic, [(one, at) for one in own])])
            for node, own in self._by_leader(partitions).items()
        }
        found = {}
        for answer in await self._answers(requests):
            for partition, code, _timestamp, offset, *_ in answer.topics[0][1]:
                if code and not for_code(code).retriable:
                    raise for_code(code)()
                if not code:
                    found[partition] = offset
        return found

    def _by_leader(self, partitions: Collection[int]) -> Mapping[int, list[int]]:
        nodes: dict[int, list[int]] = defaultdict(list)
        for partition in partitions:
            if (leader := self._leaders.get(partition, -1)) >= 0:
                nodes[leader].append(partition)
        return nodes

    async def fetch(
        self, positions: Mapping[int, int], *, partition_bytes: int, max_bytes: int, wait_ms: int = 0
    ) -> Mapping[int, Fetched]:
        """Records of these partitions from these offsets on; partitions of which nothing came are left out, and are
        best named first the next time: brokers fill an answer in the order of the request. Raises FetchFailed too."""
        requests = {}
        for node, own in self._by_leader(positions).items():
            wanted = [(partition, positions[partition], partition_bytes) for partition in own]
            requests[node] = FetchRequest(wait_ms, 1, max_bytes, self._isolation, [(self.topic, wanted)])
        with self._errors():
            answers = await self._answers(requests)
        found: dict[int, Fetched] = {}
        stale = len(answers) < len(requests) or not requests
        for answer in answers:
            for partition, code, highwater, stable, *more in answer.topics[0][1] if answer.topics else ():
                if code:
                    stale |= self._judge(code, partition, positions[partition])
                    continue
                end = stable if self._isolation == READ_COMMITTED and stable >= 0 else highwater
                at = ClientPartition(self.topic, partition)
                fetched = await self._unpack(at, positions[partition], more, end)
                if fetched is not None:
                    found[partition] = fetched
        if stale:
            await asyncio.sleep(AGAIN_S)
            await self._learn_leaders()
        return found

    def _judge(self, code: int, partition: int, offset: int) -> bool:
        """Whether it may be another broker's partition by now. Raises what will not pass."""
        error = for_code(code)
        if error in FORBIDDEN:
            raise self._forbidden()
        if error is OffsetOutOfRangeError:
            raise FetchFailed(f"Offset {offset} of {self.topic}-{partition} has been deleted meanwhile: ask again")
        if not error.retriable:
            raise FetchFailed(f"{self.topic}-{partition} cannot be read at offset {offset}: {error.__name__}")
        return True

    async def _unpack(self, at: Any, offset: int, more: list[Any], end: int) -> Fetched | None:
        """`more` is what an answer has after the ends; in every version the records come last."""
        raw = more[-1] or b""
        records = MemoryRecords(raw)
        if not records.has_next():
            return None
        aborted = next((item for item in more[:-1] if isinstance(item, list)), None)
        unpacked: Any = PartitionRecords(at, records, aborted, offset, None, None, True, self._isolation)
        unpacked._consumer_record = _record
        found: list[StoredRecord] = []
        try:
            for record in unpacked:
                found.append(record)
                if not len(found) % RECORDS_IN_A_TURN:
                    await asyncio.sleep(0)
        except Exception as error:  # decoders raise anything
            place = unpacked.next_fetch_offset
            raise FetchFailed(f"{self.topic}-{at.partition} cannot be read at offset {place}: {error!r}") from error
        return Fetched(found, unpacked.next_fetch_offset, len(raw), end)

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except FORBIDDEN as error:
            raise self._forbidden() from error
        except UnknownTopicOrPartitionError as error:
            raise NoSuchResource("UNKNOWN_TOPIC_OR_PART", f"There is no topic {self.topic}") from error
        except (KafkaError, OSError, TimeoutError, ValueError) as error:
            raise KafkaUnavailable(f"{self.topic} cannot be read: {reason(error)}") from error

    def _forbidden(self) -> AdminForbidden:
        text = f"Kafka does not allow it; give the service's user the right Read on the topic {self.topic}"
        return AdminForbidden("TOPIC_AUTHORIZATION_FAILED", f"{self.topic} cannot be read: {text}")

    async def close(self) -> None:
        """Closes the sockets, within a second. Never raises."""
        with contextlib.suppress(*UNANSWERED):
            await bounded(self._client.close(), CLOSE_TIMEOUT_S)


def _record(at: Any, unpacked: Any) -> StoredRecord:
    headers = unpacked.headers
    return StoredRecord(
        at.partition,
        unpacked.offset,
        unpacked.timestamp if unpacked.timestamp is not None else -1,
        unpacked.timestamp_type == 1,
        unpacked.key,
        unpacked.value,
        tuple(headers) if headers else (),
    )


def make_reader(settings: Settings, bootstrap_servers: str, topic: str, isolation: Isolation) -> LogReader:
    """A reader that is not started yet."""
    options = connection_options(settings, bootstrap_servers) | {"metadata_max_age_ms": NEVER_MS}
    options["client_id"] = f"{settings.kafka_client_id}-explorer"
    return LogReader(options, topic, isolation)
