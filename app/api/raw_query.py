"""The query of `POST /produce/{topic}`: the fields of a message whose body is its payload."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar
from urllib.parse import parse_qsl

from app.api import field_values as values
from app.api.problems import Refusal
from app.api.produce_options import ProduceOptions, option_fault
from app.errors import Fault
from app.settings import Settings

T = TypeVar("T")


class RawQuery(NamedTuple):
    """How a raw call wants to be answered, and the fields of its message. `timestamp` is in milliseconds."""

    options: ProduceOptions
    key: bytes | None
    partition: int | None
    partition_key: bytes | None
    timestamp: int | None
    label: str | None
    tombstone: bool


def _key(text: str) -> bytes:
    """Any bytes: those that are not UTF-8 are percent-encoded one by one."""
    return text.encode("utf-8", "surrogateescape")


def _partition(text: str) -> int | None:
    return values.read_partition(text.encode("utf-8", "replace") if text != "null" else b"")


def _partition_key(text: str) -> bytes:
    return _text(text).encode("utf-8")


def _timestamp(text: str) -> int | None:
    if text.isascii() and text.isdigit():
        return values.read_timestamp(text.encode("ascii"))
    return values.parse_rfc_3339(text)


def _label(text: str) -> str:
    return values.check_label(_text(text))


def _tombstone(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("must be true or false")
    return text == "true"


def _text(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("is not UTF-8") from None
    return text


FIELDS: Mapping[str, Callable[[str], Any]] = {
    "key": _key,
    "partition": _partition,
    "partition_key": _partition_key,
    "timestamp": _timestamp,
    "label": _label,
    "tombstone": _tombstone,
}
OPTIONS = ("mode", "timeout")


def read_raw_query(query: bytes, settings: Settings) -> RawQuery:
    """Raises Refusal `invalid_parameter` with every fault; its paths are `query.NAME`."""
    pairs = parse_qsl(query.decode("utf-8", "surrogateescape"), keep_blank_values=True, errors="surrogateescape")
    found: dict[str, Any] = {}
    if faults := list(_read(pairs, found, settings)):
        raise Refusal("invalid_parameter", "; ".join(map(str, faults)), faults)
    options = ProduceOptions(
        queued=found.get("mode") == "async",
        timeout_s=float(found.get("timeout", settings.http_timeout_s)),
        atomic=False,
    )
    fields = {name: found.get(name) for name in FIELDS if name != "tombstone"}
    return RawQuery(options=options, tombstone=found.get("tombstone", False), **fields)


def _read(pairs: list[tuple[str, str]], found: dict[str, Any], settings: Settings) -> Iterator[Fault]:
    for name, value in pairs:
        path = f"query.{name}"
        read = FIELDS.get(name)
        if name in found:
            yield Fault(path, "is given more than once")
        elif name in OPTIONS:
            found[name] = value
            if fault := option_fault(name, value, settings):
                yield Fault(path, fault)
        elif read is None:
            yield Fault(path, f"is not a parameter of this route; known are {', '.join((*FIELDS, *OPTIONS))}")
        else:
            found[name] = None
            try:
                found[name] = read(value)
            except ValueError as error:
                yield Fault(path, str(error))
