"""The fields of a message: from the JSON text of each to what is stored. Each raises ValueError with the fault."""

from __future__ import annotations

import base64
import binascii
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from app.errors import Fault
from app.producing.contract import MAX_PARTITION, MAX_TIMESTAMP_MS
from app.routes.validation import is_topic_name

Encoding = Literal["json", "text", "base64"]
HeaderPairs = list[tuple[str, bytes | None]]

NULL = b"null"
MAX_LABEL = 256
INTEGER = re.compile(rb"-?(?:0|[1-9][0-9]{0,18})").fullmatch
RFC_3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII
).fullmatch
LONE_SURROGATE = "has a lone surrogate, which is not text"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]").search
_STANDARD = re.compile(rb"[A-Za-z0-9+/]*={0,2}").fullmatch
_URL_SAFE = re.compile(rb"[A-Za-z0-9_-]*={0,2}").fullmatch


class Members(list[Any]):
    """An object as (name, value) pairs, so that repeated names are not lost."""


_values = json.JSONDecoder(object_pairs_hook=Members, parse_int=Members, parse_float=Members)
"""Numbers become `Members` too: all that matters of them is that they are neither text nor null."""


def read_text(raw: bytes) -> str:
    """The characters of a JSON string."""
    if raw[:1] != b'"':
        raise ValueError("must be a string")
    if b"\\" not in raw:
        return raw[1:-1].decode("utf-8")
    text: str = _values.decode(raw.decode("utf-8"))
    if _SURROGATE_ESCAPE(raw):
        _check_surrogates(text)
    return text


def _check_surrogates(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError(LONE_SURROGATE) from None


def read_topic(raw: bytes) -> str:
    topic = read_text(raw)
    if not is_topic_name(topic):
        raise ValueError("must have 1 to 249 of A-Z a-z 0-9 . _ - and not be . or ..")
    return topic


def read_payload(raw: bytes, encoding: Encoding) -> bytes | None:
    """The payload's bytes: its JSON text as sent, its characters, or what base64 stands for. None: a tombstone."""
    if raw == NULL:
        return None
    if encoding == "json":
        return raw
    return read_bytes(raw, encoding)


def read_bytes(raw: bytes, encoding: Encoding) -> bytes:
    """The bytes that a JSON string stands for."""
    try:
        text = read_text(raw)
    except ValueError as error:
        raise ValueError(f"{error} (its encoding is {encoding})") from None
    return text.encode("utf-8") if encoding == "text" else decode_base64(text)


def read_key(raw: bytes, encoding: Encoding | None) -> bytes | None:
    """The key's bytes. Without an encoding a string is its characters and other JSON its text."""
    if raw == NULL:
        return None
    if encoding in ("text", "base64"):
        return read_bytes(raw, encoding)
    if raw[:1] == b'"' and encoding is None:
        return read_text(raw).encode("utf-8")
    if _SURROGATE_ESCAPE(raw):
        _check_surrogates(json.dumps(json.loads(raw), ensure_ascii=False))
    return raw


def read_partition(raw: bytes) -> int | None:
    if raw == NULL:
        return None
    if not INTEGER(raw) or not 0 <= int(raw) <= MAX_PARTITION:
        raise ValueError(f"must be a whole number from 0 to {MAX_PARTITION}")
    return int(raw)


def read_partition_key(raw: bytes) -> bytes | None:
    return None if raw == NULL else read_text(raw).encode("utf-8")


def read_label(raw: bytes) -> str | None:
    if raw == NULL:
        return None
    return check_label(read_text(raw))


def check_label(label: str) -> str:
    if len(label) > MAX_LABEL:
        raise ValueError(f"must have at most {MAX_LABEL} characters, has {len(label)}")
    return label


def read_timestamp(raw: bytes) -> int | None:
    """Milliseconds since 1970."""
    if raw == NULL:
        return None
    if raw[:1] == b'"':
        return parse_rfc_3339(read_text(raw))
    if not INTEGER(raw) or not 0 <= int(raw) <= MAX_TIMESTAMP_MS:
        raise ValueError("must be milliseconds since 1970, a whole number of at least 0, or an RFC 3339 time")
    return int(raw)


def parse_rfc_3339(text: str) -> int:
    """Milliseconds since 1970 of an RFC 3339 time; digits beyond the millisecond are cut."""
    match = RFC_3339(text)
    if match is None:
        raise ValueError("must be an RFC 3339 time with its zone, for example 2026-01-05T10:00:00Z")
    date, hour_minute, seconds, fraction, sign, zone_hours, zone_minutes = match.groups()
    leap = seconds == "60"
    try:
        local = datetime.fromisoformat(f"{date}T{hour_minute}:{'59' if leap else seconds}+00:00")
        offset = timedelta(hours=int(zone_hours or 0), minutes=int(zone_minutes or 0))
    except ValueError as error:
        raise ValueError(f"is not a time: {error}") from None
    if offset >= timedelta(days=1) or int(zone_minutes or 0) > 59:
        raise ValueError("is not a time: its zone is a day or more away")
    elapsed = (local - _EPOCH) - (offset if sign != "-" else -offset) + timedelta(seconds=int(leap))
    milliseconds = elapsed // timedelta(milliseconds=1) + int(((fraction or "") + "000")[:3])
    if milliseconds < 0:
        raise ValueError("must not be before 1970")
    return milliseconds


def decode_base64(text: str) -> bytes:
    """The bytes of a base64 text, standard or url-safe, padded or not."""
    raw = text.encode("utf-8")
    if _URL_SAFE(raw) and not _STANDARD(raw):
        raw = raw.translate(bytes.maketrans(b"-_", b"+/"))
    elif not _STANDARD(raw):
        raise ValueError("is not base64: use the standard or the url-safe alphabet, without blanks")
    bare = raw.rstrip(b"=")
    padding = -len(bare) % 4
    if padding == 3 or len(raw) - len(bare) not in (0, padding):
        raise ValueError("is not base64: its length does not fit")
    try:
        return base64.b64decode(bare + b"=" * padding, validate=True)
    except binascii.Error as error:
        raise ValueError(f"is not base64: {error}") from None


def read_headers(raw: bytes, encoding: Encoding, faults: list[Fault]) -> HeaderPairs:
    """The record headers, in order, repeats kept; what is wrong with them is added to `faults`."""
    if raw == NULL:
        return []
    given = _values.decode(raw.decode("utf-8"))
    if raw[:1] == b"{":
        pairs = [(f"headers.{name}", name, value) for name, value in given]
    elif raw[:1] == b"[":
        pairs = [(f"headers.{index}", *_pair(item)) for index, item in enumerate(given)]
    else:
        faults.append(Fault("headers", "must be an object, or a list of [name, value] pairs"))
        return []
    headers: HeaderPairs = []
    for path, name, value in pairs:
        try:
            headers.append(_header(name, value, encoding))
        except ValueError as error:
            faults.append(Fault(path, str(error)))
    return headers


def _pair(item: Any) -> tuple[Any, Any]:
    if type(item) is list and len(item) == 2:
        return item[0], item[1]
    return item, NULL


def _header(name: Any, value: Any, encoding: Encoding) -> tuple[str, bytes | None]:
    if value is NULL:
        raise ValueError("must be a pair [name, value]")
    if not isinstance(name, str) or not name:
        raise ValueError("its name must be a string that is not empty")
    _check_surrogates(name)
    if value is None:
        return name, None
    if not isinstance(value, str):
        raise ValueError("its value must be a string or null")
    _check_surrogates(value)
    return name, value.encode("utf-8") if encoding == "text" else decode_base64(value)
