"""Messages on their way in and out, and what became of them.

A consumed `Message` decodes its payload, key and headers only when asked, and only once.
An `OutgoingMessage` is what a caller wants stored; a `DeliveryReport` says what became of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, Protocol, overload

import msgspec

from app.errors import ProduceError, UndecodablePayload
from app.serialization import DEFAULT_DESERIALIZERS, Deserializers

Headers = Sequence[tuple[str, bytes | None]]


class TopicPartition(NamedTuple):
    """One partition of a topic; written `example-0`."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}"


class Record(Protocol):
    """A record as the Kafka client hands it out. `timestamp` is in milliseconds since 1970."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Headers: ...


class _Unset:
    """Marks what has not been decoded yet (None is a value)."""


_UNSET: Any = _Unset()


class Message:
    """One consumed record. Payload, key and headers are decoded on first use and kept."""

    __slots__ = ("_deserializers", "_headers", "_key", "_payload", "_record", "received_at")

    def __init__(
        self,
        record: Record,
        deserializers: Deserializers = DEFAULT_DESERIALIZERS,
        received_at: datetime | None = None,
    ) -> None:
        self._record = record
        self._deserializers = deserializers
        self._payload = self._key = self._headers = _UNSET
        self.received_at = received_at or datetime.now(UTC)

    @property
    def record(self) -> Record:
        """The record as the client gave it."""
        return self._record

    @property
    def topic(self) -> str:
        return self._record.topic

    @property
    def partition(self) -> int:
        return self._record.partition

    @property
    def offset(self) -> int:
        return self._record.offset

    @property
    def timestamp_ms(self) -> int:
        return self._record.timestamp

    @property
    def timestamp(self) -> datetime:
        """When the record was made or stored (the topic decides), aware, in UTC."""
        return datetime.fromtimestamp(self._record.timestamp / 1000, UTC)

    @property
    def raw_payload(self) -> bytes | None:
        return self._record.value

    @property
    def raw_key(self) -> bytes | None:
        return self._record.key

    @property
    def raw_headers(self) -> Headers:
        """(name, value) pairs in the order they were sent, repeats and null values kept."""
        return self._record.headers

    @property
    def tombstone(self) -> bool:
        """True for a null payload, which deletes the key from a compacted topic."""
        return self._record.value is None

    @property
    def payload(self) -> Any:
        """The decoded payload; None for a tombstone. Raises UndecodablePayload, with the cause."""
        payload = self._payload
        if payload is _UNSET:
            raw = self._record.value
            try:
                payload = self._payload = None if raw is None else self._deserializers.payload(raw)
            except Exception as error:
                raise UndecodablePayload(self) from error
        return payload

    def decoded(self, payload: Any) -> None:
        """Its payload is this one: it was decoded with the whole batch."""
        self._payload = payload

    @property
    def key(self) -> Any:
        """The decoded key: text where it is UTF-8, else bytes; None where there is none."""
        if self._key is _UNSET:
            raw = self._record.key
            self._key = None if raw is None else self._deserializers.key(raw)
        return self._key

    @property
    def headers(self) -> Mapping[str, Any]:
        """Decoded headers by name; of a repeated name the last value."""
        if self._headers is _UNSET:
            decode = self._deserializers.headers
            self._headers = {name: None if value is None else decode(value) for name, value in self._record.headers}
        headers: Mapping[str, Any] = self._headers
        return headers

    def __repr__(self) -> str:
        return f"<Message {self.topic}-{self.partition} offset {self.offset}>"


@dataclass(frozen=True, slots=True)
class BatchMetadata:
    """What is known about a batch as a whole. Lags are in milliseconds and never negative.

    `consumption_lag_ms`: from the last record's timestamp until the batch was formed;
    `processing_lag_ms`: from forming the batch until its job started.
    """

    first_offset: int
    last_offset: int
    created_at: datetime
    consumption_lag_ms: int
    processing_lag_ms: int


class Messages(Sequence[Message]):
    """One batch: records of one partition, in order. Indexing and iterating give `Message` objects."""

    def __init__(
        self,
        records: Sequence[Record],
        deserializers: Deserializers = DEFAULT_DESERIALIZERS,
        created_at: datetime | None = None,
        processing_lag_ms: int = 0,
    ) -> None:
        self._records = records
        self._deserializers = deserializers
        self._created_at = created_at or datetime.now(UTC)
        self._processing_lag_ms = max(0, processing_lag_ms)
        self._wrapped: list[Message] | None = None
        self._payloads: list[Any] | None = None

    def _all(self) -> list[Message]:
        """Wrapped all at once, when the first is asked for: most consumers touch each."""
        if self._wrapped is None:
            deserializers, created_at = self._deserializers, self._created_at
            self._wrapped = [Message(record, deserializers, created_at) for record in self._records]
            for message, payload in zip(self._wrapped, self._payloads or (), strict=False):
                message.decoded(payload)
        return self._wrapped

    @overload
    def __getitem__(self, index: int) -> Message: ...
    @overload
    def __getitem__(self, index: slice) -> list[Message]: ...
    def __getitem__(self, index: int | slice) -> Message | list[Message]:
        return self._all()[index]

    def __iter__(self) -> Iterator[Message]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._records)

    @property
    def size(self) -> int:
        return len(self._records)

    @property
    def first(self) -> Message:
        return self._all()[0]

    @property
    def last(self) -> Message:
        return self._all()[-1]

    @property
    def payloads(self) -> list[Any]:
        """All payloads, decoded in one go and only once. Raises UndecodablePayload for the first that is broken."""
        if self._payloads is None:
            self._payloads = self._decoded()
        return self._payloads

    def _decoded(self) -> list[Any]:
        if self._wrapped is None:
            decode = self._deserializers.payload
            try:
                return [None if record.value is None else decode(record.value) for record in self._records]
            except Exception:  # whatever it is: it is met again, and named, by the message whose payload it is
                return [message.payload for message in self]
        return [message.payload for message in self._wrapped]

    @property
    def metadata(self) -> BatchMetadata:
        last = self._records[-1]
        formed_ms = int(self._created_at.timestamp() * 1000)
        return BatchMetadata(
            first_offset=self._records[0].offset,
            last_offset=last.offset,
            created_at=self._created_at,
            consumption_lag_ms=max(0, formed_ms - last.timestamp),
            processing_lag_ms=self._processing_lag_ms,
        )


class OutgoingMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller wants stored. A changed copy: `msgspec.structs.replace(message, headers=…)`.

    `payload`: bytes and str as they are, None is a tombstone, anything else becomes JSON.
    `key`: bytes, str or None; an empty key is a key. `partition`: 0 … 2³¹-1 or None to have it chosen, by
    `partition_key` if given (it is not stored), else by `key`, else evenly. `headers`: mapping or list of
    (name, bytes | str | None) pairs. `timestamp`: integer milliseconds or an aware datetime; None is now.
    `label` is never sent: it comes back in the report and in events.
    """

    topic: str
    payload: Any = None
    key: bytes | str | None = None
    partition: int | None = None
    partition_key: bytes | str | None = None
    headers: Mapping[str, bytes | str | None] | Sequence[tuple[str, bytes | str | None]] | None = None
    timestamp: int | datetime | None = None
    label: Any = None


Status = Literal["delivered", "failed", "unknown"]


def status_of(error: ProduceError | None) -> Status:
    """What an error, or its absence, says of a message: `unknown` means it may be stored."""
    if error is None:
        return "delivered"
    return "unknown" if error.stored is None else "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReport:
    """The verdict on one message. `error` is None when it was delivered.

    `partition`, `offset` and `timestamp` (ms) are None where they are not known; `latency_ms` counts from
    acceptance to verdict; `attempts` is how often the record was handed to the client; `key` is as stored.
    """

    topic: str
    partition: int | None
    offset: int | None
    timestamp: int | None
    error: ProduceError | None
    label: Any
    key: bytes | None
    latency_ms: float
    attempts: int
    message_id: str

    @property
    def status(self) -> Status:
        """`delivered`, `failed` (certainly not stored) or `unknown` (may be stored)."""
        return status_of(self.error)
