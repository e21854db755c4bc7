"""JSON texts taken apart without changing a byte of what is inside: the strict and slow way.

The fast way is `msgspec`; wherever that is too lax (repeated names), too strict (lone surrogates, which JSON
allows), or has no words for what is wrong, the text comes here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import accumulate, count
from operator import sub
from typing import Any

MAX_DEPTH = 512
BOM = b"\xef\xbb\xbf"
_OPEN_CLOSE = bytes(2 if byte in b"[{" else 0 for byte in range(256))
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_skip = re.compile(r"[ \t\n\r]*").match


class MalformedJson(ValueError):
    """The text is not JSON, or nested too deeply."""


def _refuse_constant(name: str) -> Any:
    raise MalformedJson(f"{name} is not JSON")


_decoder = json.JSONDecoder(object_pairs_hook=bool, parse_int=bool, parse_float=bool, parse_constant=_refuse_constant)
"""Finds where values end; `bool` keeps nothing of them (and Python would refuse to convert very long numbers)."""


def check_text(body: bytes) -> bytes:
    """`body` without a byte order mark. Raises MalformedJson where it is not UTF-8 or nested too deeply."""
    if not body.isascii():
        body = body.removeprefix(BOM)
        try:
            body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise MalformedJson(f"the body is not UTF-8 (byte {error.start})") from None
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and depth(body) > MAX_DEPTH:
        raise MalformedJson(f"the body is nested deeper than {MAX_DEPTH} levels")
    return body


def depth(text: bytes) -> int:
    """How deeply arrays and objects are nested; brackets inside strings do not count."""
    if b"\\" in text:
        text = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    outside = b"".join(text.split(b'"')[::2])
    brackets = outside.translate(None, _NOT_BRACKETS).translate(_OPEN_CLOSE)
    return max(map(sub, accumulate(brackets), count(1)), default=0)


def members(text: str) -> list[tuple[str, str]] | None:
    """(name, JSON text of the value) of each member of an object, in order, repeats kept; None where the
    text is JSON but no object. Raises MalformedJson."""
    if _first(text) != "{":
        _check_value(text)
        return None
    return list(_members(text, text.index("{") + 1))


def elements(text: str) -> Iterator[str] | None:
    """The JSON text of each element of an array, one after the other; None where the text is JSON but no array.

    Raises MalformedJson, perhaps only when the iterator gets there.
    """
    if _first(text) != "[":
        _check_value(text)
        return None
    return _elements(text, text.index("[") + 1)


def _check_value(text: str) -> None:
    _expect_end(text, _value_end(text, _after_blanks(text, 0)))


def _first(text: str) -> str:
    at = _after_blanks(text, 0)
    return text[at : at + 1]


def _members(text: str, at: int) -> Iterator[tuple[str, str]]:
    at = _after_blanks(text, at)
    if text[at : at + 1] == "}":
        _expect_end(text, at + 1)
        return
    while True:
        name, at = _name(text, at)
        at = _expect(text, at, ":")
        end = _value_end(text, at)
        yield name, text[at:end]
        at = _after_blanks(text, end)
        if text[at : at + 1] == "}":
            _expect_end(text, at + 1)
            return
        at = _expect(text, at, ",")


def _elements(text: str, at: int) -> Iterator[str]:
    at = _after_blanks(text, at)
    if text[at : at + 1] == "]":
        _expect_end(text, at + 1)
        return
    while True:
        end = _value_end(text, at)
        yield text[at:end]
        at = _after_blanks(text, end)
        if text[at : at + 1] == "]":
            _expect_end(text, at + 1)
            return
        at = _expect(text, at, ",")


def _name(text: str, at: int) -> tuple[str, int]:
    if text[at : at + 1] != '"':
        raise MalformedJson(f"a name in double quotes is expected at character {at}")
    name, end = _decode_at(text, at)
    return name, end


def _value_end(text: str, at: int) -> int:
    return _decode_at(text, at)[1]


def _decode_at(text: str, at: int) -> tuple[Any, int]:
    try:
        return _decoder.raw_decode(text, at)
    except json.JSONDecodeError as error:
        raise MalformedJson(f"{error.msg[:1].lower()}{error.msg[1:]} at character {error.pos}") from None
    except RecursionError:
        raise MalformedJson(f"the body is nested deeper than {MAX_DEPTH} levels") from None


def _expect(text: str, at: int, mark: str) -> int:
    at = _after_blanks(text, at)
    if text[at : at + 1] != mark:
        raise MalformedJson(f"{mark!r} is expected at character {at}")
    return _after_blanks(text, at + 1)


def _expect_end(text: str, at: int) -> None:
    at = _after_blanks(text, at)
    if at != len(text):
        raise MalformedJson(f"nothing may follow at character {at}")


def _after_blanks(text: str, at: int) -> int:
    blanks = _skip(text, at)
    return blanks.end() if blanks else at
