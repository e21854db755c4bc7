"""Bytes to values and values to bytes: JSON, text, and what a topic chooses for its records."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson

Deserializer = Callable[[bytes], Any]
"""Turns raw bytes into a value; never called for None."""

_decode = msgspec.json.Decoder().decode
"""Of the fast decoders the one that turns no large whole number into a float."""


def decode_json(raw: bytes) -> Any:
    """The value of a JSON text. Raises ValueError where it is not JSON in UTF-8.

    Numbers are exact: whole ones of any size stay whole. Lone surrogates in escapes, which some encoders write,
    are let through; NaN and Infinity are not.
    """
    try:
        return _decode(raw)
    except ValueError:
        if b"\\u" not in raw:
            raise
        return json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def encode_json(value: Any) -> bytes:
    """`value` as JSON in UTF-8. Raises TypeError or ValueError where it has no JSON form, as NaN has none."""
    try:
        raw = orjson.dumps(value)
    except orjson.JSONEncodeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")
    if b"null" in raw:
        _refuse_not_finite(value)
    return raw


def _refuse_not_finite(value: Any) -> None:
    """Raises ValueError for NaN and infinities, which orjson writes as null."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} has no JSON form")
    if isinstance(value, dict):
        for item in value.values():
            _refuse_not_finite(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _refuse_not_finite(item)


def decode_text(raw: bytes) -> str | bytes:
    """Text where `raw` is UTF-8, else `raw` itself: keys and headers never fail to decode."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw


@dataclass(frozen=True, slots=True)
class Deserializers:
    """How a topic's records are read: each is a callable from bytes to a value."""

    payload: Deserializer = decode_json
    key: Deserializer = decode_text
    headers: Deserializer = decode_text


DEFAULT_DESERIALIZERS = Deserializers()
