"""From the body of a produce call to messages, and to every fault in them at once.

The body is first split into the JSON texts of its fields, by msgspec where it is sure to be right, else by
`app.api.json_text`; both give the same `Fields`, and one function makes a message of them. So payloads are
stored byte for byte as they were sent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, TypeVar

import msgspec
from msgspec import Raw
from msgspec.structs import astuple

from app.api import field_values as values
from app.api.field_values import Encoding
from app.api.json_text import MalformedJson, check_text, elements, members
from app.api.plain_messages import UNSURE, plain_batch, plain_message
from app.api.problems import Refusal
from app.errors import Fault
from app.messages import OutgoingMessage

T = TypeVar("T")
ABSENT = Raw(b"")
TOPICS_CACHED = 10_000
OBJECTS_PER_MESSAGE = 4
"""With more objects than so many times the limit a batch is counted before it is taken apart: a body of ten
million empty objects must not become ten million of ours."""
NOT_AN_OBJECT = Fault("", "must be a JSON object with the fields topic and payload")


class Fields(msgspec.Struct, forbid_unknown_fields=True):
    """The JSON text of each field as it was sent; ABSENT where it was not."""

    topic: Raw = ABSENT
    payload: Raw = ABSENT
    key: Raw = ABSENT
    headers: Raw = ABSENT
    label: Raw = ABSENT
    partition: Raw = ABSENT
    partition_key: Raw = ABSENT
    timestamp: Raw = ABSENT
    payload_encoding: Raw = ABSENT
    key_encoding: Raw = ABSENT
    headers_encoding: Raw = ABSENT


class _Batch(msgspec.Struct, forbid_unknown_fields=True):
    messages: list[Fields]


class ReadMessage(msgspec.Struct, frozen=True):
    """One message of a body: `outgoing` where it has no fault. `label` is known even of most faulty ones."""

    outgoing: OutgoingMessage | None
    faults: tuple[Fault, ...] = ()
    label: str | None = None


FIELD_NAMES = Fields.__struct_fields__
_decode_one = msgspec.json.Decoder(Fields).decode
_decode_batch = msgspec.json.Decoder(_Batch).decode
_topics: dict[bytes, str] = {}


def read_one(body: bytes) -> ReadMessage:
    """The message that `body` is. Raises Refusal `malformed_json`."""
    try:
        text = check_text(body)
        if (plain := plain_message(text)) is not None:
            return ReadMessage(plain)
        return _read(*split_fields(text))
    except MalformedJson as error:
        raise malformed(error) from None


def read_batch(body: bytes, max_messages: int) -> list[ReadMessage]:
    """The messages of `{"messages": […]}`. Raises Refusal: malformed_json, invalid_message, batch_too_large."""
    try:
        text = check_text(body)
        split = None
        if text.count(b"{") <= OBJECTS_PER_MESSAGE * max_messages + 1:
            if (plain := plain_batch(text, max_messages)) is not None:
                return [ReadMessage(message) for message in plain]
            split = _split_batch_fast(text, max_messages)
        if split is None:
            split = _split_batch_strictly(text, max_messages)
    except MalformedJson as error:
        raise malformed(error) from None
    return [_read(fields, faults) for fields, faults in split]


def malformed(error: MalformedJson) -> Refusal:
    detail = f"The body is not JSON: {error}"
    return Refusal("malformed_json", detail, [Fault("", str(error))])


def split_fields(text: bytes) -> tuple[Fields | None, list[Fault]]:
    """The fields of one message, and which are unknown or repeated; None where it is no object.

    `text` has been through `check_text`. Raises MalformedJson.
    """
    try:
        fields = _decode_one(text)
    except UNSURE:
        return split_strictly(text)
    names, colons = _count(fields)
    if text.count(b":") != names + colons:
        return split_strictly(text)
    return fields, []


def _count(fields: Fields) -> tuple[int, int]:
    """(how many fields there are, how many colons inside of them).

    Outside of its fields' texts an object has exactly one colon for each member, so a count that does not
    come out even shows a repeated name, of which msgspec has kept only the last.
    """
    names = colons = 0
    for raw in astuple(fields):
        if raw is not ABSENT:
            names += 1
            colons += bytes(raw).count(b":")
    return names, colons


def split_strictly(text: bytes) -> tuple[Fields | None, list[Fault]]:
    """Does what `split_fields` does, without msgspec."""
    found = members(text.decode("utf-8"))
    if found is None:
        return None, [NOT_AN_OBJECT]
    faults: list[Fault] = []
    texts: dict[str, Raw] = {}
    for name, value in found:
        if name not in FIELD_NAMES:
            faults.append(Fault(name, f"is not a field of a message; known are {', '.join(FIELD_NAMES)}"))
        elif name in texts:
            faults.append(Fault(name, "is given more than once"))
        else:
            texts[name] = Raw(value.encode("utf-8"))
    return Fields(**texts), faults


def _split_batch_fast(text: bytes, max_messages: int) -> list[tuple[Fields | None, list[Fault]]] | None:
    """None where msgspec cannot be relied on, or something is wrong."""
    try:
        batch = _decode_batch(text).messages
    except UNSURE:
        return None
    if not 0 < len(batch) <= max_messages:
        return None
    expected = 1
    for fields in batch:
        names, colons = _count(fields)
        expected += names + colons
    if text.count(b":") != expected:
        return None
    return [(fields, []) for fields in batch]


def _split_batch_strictly(text: bytes, max_messages: int) -> list[tuple[Fields | None, list[Fault]]]:
    found = members(text.decode("utf-8"))
    if found is None:
        raise _invalid_batch([Fault("", 'must be an object {"messages": […]}')])
    faults = [Fault(name, "is not a field of a batch; known is messages") for name, _ in found if name != "messages"]
    lists = [value for name, value in found if name == "messages"]
    if len(lists) != 1:
        faults.append(Fault("messages", "is given more than once" if lists else "is required"))
    listed = elements(lists[0]) if lists else None
    if lists and listed is None:
        faults.append(Fault("messages", "must be a list of messages"))
    texts = list(islice(listed or (), max_messages + 1))
    if listed is not None and not texts:
        faults.append(Fault("messages", "must have at least one message"))
    if faults:
        raise _invalid_batch(faults)
    if len(texts) > max_messages:
        fault = Fault("messages", f"has more than the {max_messages} messages that HTTP_MAX_BATCH allows")
        raise Refusal("batch_too_large", str(fault), [fault])
    return [split_fields(element.encode("utf-8")) for element in texts]


def _invalid_batch(faults: list[Fault]) -> Refusal:
    return Refusal("invalid_message", "; ".join(map(str, faults)), faults)


def _read(fields: Fields | None, faults: list[Fault]) -> ReadMessage:
    if fields is None:
        return ReadMessage(None, tuple(faults))
    reader = _Reader(fields, faults)
    outgoing = reader.message()
    return ReadMessage(None if faults else outgoing, tuple(faults), outgoing.label)


class _Reader:
    """Reads the fields of one message; adds to `faults` whatever is wrong."""

    __slots__ = ("_faults", "_fields")

    def __init__(self, fields: Fields, faults: list[Fault]) -> None:
        self._fields = fields
        self._faults = faults

    def message(self) -> OutgoingMessage:
        fields = self._fields
        topic = self._topic()
        payload = self._payload()
        key = self._key()
        partition = None
        if fields.partition is not ABSENT:
            partition = self._value("partition", values.read_partition)
        partition_key = None
        if fields.partition_key is not ABSENT:
            partition_key = self._partition_key(partition)
        return OutgoingMessage(
            topic=topic,
            payload=payload,
            key=key,
            partition=partition,
            partition_key=partition_key,
            headers=self._headers(),
            timestamp=None if fields.timestamp is ABSENT else self._value("timestamp", values.read_timestamp),
            label=None if fields.label is ABSENT else self._value("label", values.read_label),
        )

    def _value(self, name: str, read: Callable[..., T], *arguments: Any) -> T | None:
        try:
            return read(bytes(getattr(self._fields, name)), *arguments)
        except ValueError as error:
            self._faults.append(Fault(name, str(error)))
            return None

    def _required(self, name: str) -> None:
        self._faults.append(Fault(name, "is required"))

    def _topic(self) -> str:
        if self._fields.topic is ABSENT:
            self._required("topic")
            return ""
        raw = bytes(self._fields.topic)
        topic = _topics.get(raw)
        if topic is None:
            topic = self._value("topic", values.read_topic) or ""
            if topic:
                _remember(raw, topic)
        return topic

    def _payload(self) -> bytes | None:
        fields = self._fields
        if fields.payload is ABSENT:
            self._required("payload")
            return None
        encoding: Encoding | None = "json"
        if fields.payload_encoding is not ABSENT:
            encoding = self._encoding("payload_encoding", ("json", "text", "base64"))
        return self._value("payload", values.read_payload, encoding) if encoding else None

    def _key(self) -> bytes | None:
        fields, faults = self._fields, len(self._faults)
        encoding: Encoding | None = None
        if fields.key_encoding is not ABSENT:
            encoding = self._encoding("key_encoding", ("json", "text", "base64"))
        key = None
        if fields.key is not ABSENT and len(self._faults) == faults:
            key = self._value("key", values.read_key, encoding)
        if key is None and len(self._faults) == faults and bytes(fields.payload) == values.NULL:
            self._faults.append(Fault("key", "is required: a null payload is a tombstone, which deletes a key"))
        return key

    def _partition_key(self, partition: int | None) -> bytes | None:
        partition_key = self._value("partition_key", values.read_partition_key)
        if partition_key is not None and partition is not None:
            self._faults.append(Fault("partition_key", "must not be given together with partition"))
        return partition_key

    def _headers(self) -> values.HeaderPairs | None:
        fields = self._fields
        encoding: Encoding | None = "text"
        if fields.headers_encoding is not ABSENT:
            encoding = self._encoding("headers_encoding", ("text", "base64"))
        if fields.headers is ABSENT or encoding is None:
            return None
        return values.read_headers(bytes(fields.headers), encoding, self._faults)

    def _encoding(self, name: str, known: Sequence[Encoding]) -> Encoding | None:
        given = self._value(name, values.read_text)
        for encoding in known:
            if given == encoding:
                return encoding
        if given is not None:
            self._faults.append(Fault(name, f"must be one of {', '.join(known)}"))
        return None


def _remember(raw: bytes, topic: str) -> None:
    if len(_topics) >= TOPICS_CACHED:
        _topics.clear()
    _topics[raw] = topic
