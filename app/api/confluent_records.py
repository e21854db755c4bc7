"""Bodies of Confluent's REST Proxy v2: `{"records": [{"key", "value", "partition", "headers", "timestamp"}]}`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from app.api import field_values as values
from app.api.json_text import MalformedJson, check_text, elements, members
from app.api.media_types import is_utf_8
from app.api.message_reader import malformed
from app.api.problems import Refusal
from app.errors import Fault
from app.messages import OutgoingMessage

T = TypeVar("T")
FORMATS = re.compile(
    rb"\s*application/(?:vnd\.kafka\.(?P<binary>binary\.)?(?:json\.)?v2\+json|json)\s*(?P<parameters>;.*)?", re.I | re.S
).fullmatch
FIELDS = ("key", "value", "partition", "headers", "timestamp")
NULL = b"null"


def is_binary(content_type: bytes) -> bool:
    """Whether keys and values are base64, not JSON. Raises Refusal `unsupported_media_type`."""
    match = FORMATS(content_type) if content_type.strip() else None
    if match is None:
        if not content_type.strip():
            return False
        given = content_type.decode("latin-1")[:100]
        raise Refusal("unsupported_media_type", f"Send application/vnd.kafka.json.v2+json or .binary., not {given!r}")
    if not is_utf_8(match["parameters"] or b""):
        raise Refusal("unsupported_media_type", "The charset must be UTF-8")
    return match["binary"] is not None


def read_records(
    body: bytes, topic: str, partition: int | None, *, binary: bool, max_records: int
) -> Sequence[OutgoingMessage]:
    """The messages of a body; `partition` is that of the path. Raises Refusal: one bad record refuses all."""
    try:
        found = members(check_text(body).decode("utf-8"))
        records = _records(found, max_records)
        reader = _RecordReader(topic, partition, binary)
        messages = [reader.read(index, members(text)) for index, text in enumerate(records)]
    except MalformedJson as error:
        raise malformed(error) from None
    if reader.faults:
        raise invalid(*reader.faults)
    return messages


def _records(found: list[tuple[str, str]] | None, max_records: int) -> list[str]:
    if found is None:
        raise invalid(Fault("", 'must be an object {"records": […]}'))
    if unknown := [Fault(name, "is not a field; known is records") for name, _ in found if name != "records"]:
        raise invalid(*unknown)
    if len(found) != 1:
        raise invalid(Fault("records", "is given more than once" if found else "is required"))
    listed = elements(found[0][1])
    if listed is None:
        raise invalid(Fault("records", "must be a list"))
    texts = []
    for text in listed:
        texts.append(text)
        if len(texts) > max_records:
            raise Refusal("batch_too_large", f"records: more than the {max_records} that HTTP_MAX_BATCH allows")
    if not texts:
        raise invalid(Fault("records", "must have at least one record"))
    return texts


def invalid(*faults: Fault) -> Refusal:
    return Refusal("invalid_message", "; ".join(map(str, faults)), faults)


class _RecordReader:
    """Reads records; collects what is wrong with them in `faults`."""

    def __init__(self, topic: str, partition: int | None, binary: bool) -> None:
        self._topic = topic
        self._partition = partition
        self._binary = binary
        self.faults: list[Fault] = []

    def read(self, index: int, found: list[tuple[str, str]] | None) -> OutgoingMessage:
        place = f"records.{index}"
        if found is None:
            self.faults.append(Fault(place, "must be an object"))
            found = []
        texts: dict[str, bytes] = {}
        for name, text in found:
            if name not in FIELDS or name in texts:
                what = "is given more than once" if name in texts else f"is not a field; known are {', '.join(FIELDS)}"
                self.faults.append(Fault(f"{place}.{name}", what))
            texts[name] = text.encode("utf-8")
        partition = self._value(place, "partition", texts, values.read_partition)
        if partition is not None and self._partition is not None:
            self.faults.append(Fault(f"{place}.partition", "must not be given: the path has one"))
        return OutgoingMessage(
            topic=self._topic,
            payload=self._value(place, "value", texts, self._bytes),
            key=self._value(place, "key", texts, self._bytes),
            partition=partition if self._partition is None else self._partition,
            headers=self._value(place, "headers", texts, _headers) or [],
            timestamp=self._value(place, "timestamp", texts, _timestamp),
        )

    def _bytes(self, raw: bytes) -> bytes:
        return values.read_bytes(raw, "base64") if self._binary else raw

    def _value(self, place: str, name: str, texts: dict[str, bytes], read: Callable[[bytes], T]) -> T | None:
        raw = texts.get(name, NULL)
        if raw == NULL:
            return None
        try:
            return read(raw)
        except ValueError as error:
            self.faults.append(Fault(f"{place}.{name}", str(error)))
            return None


def _timestamp(raw: bytes) -> int | None:
    if raw[:1] == b'"':
        raise ValueError("must be milliseconds since 1970, a whole number of at least 0")
    return values.read_timestamp(raw)


def _headers(raw: bytes) -> list[tuple[str, bytes | None]]:
    listed = elements(raw.decode("utf-8"))
    if listed is None:
        raise ValueError('must be a list of {"key", "value"} objects')
    return [_header(dict(members(text) or ())) for text in listed]


def _header(fields: dict[str, Any]) -> tuple[str, bytes | None]:
    if set(fields) - {"key", "value"} or "key" not in fields:
        raise ValueError("each must have a key and a value, and no more")
    name = values.read_text(fields["key"].encode("utf-8"))
    if not name:
        raise ValueError("a key must not be empty")
    value = fields.get("value", "null").encode("utf-8")
    return name, None if value == NULL else values.read_bytes(value, "base64")
