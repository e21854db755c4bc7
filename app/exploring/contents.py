"""Keys, payloads and header values for people's eyes: JSON laid out, text, or hexadecimal; or nothing but the size."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

import msgspec

Form = Literal["null", "json", "text", "hex", "masked"]
INDENT = "  "
TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
HEX_LETTERS = 3
"""Two digits and a blank for each byte."""
OPENING, CLOSING = "{[", "}]"
_check = msgspec.json.Decoder(type=msgspec.Raw).decode


class Content(NamedTuple):
    """`text` has at most so many letters as were asked for; `size` is that of the raw bytes."""

    form: Form
    text: str | None
    size: int
    truncated: bool = False

    def document(self) -> Mapping[str, Any]:
        return {"form": self.form, "text": self.text, "bytes": self.size, "truncated": self.truncated}


def content_of(raw: bytes | None, most: int) -> Content:
    """`raw` as a text of at most `most` letters. Digits of numbers stay as they were written."""
    if raw is None:
        return Content("null", None, 0)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return _hexadecimal(raw, most)
    if CONTROL.search(text):
        return _hexadecimal(raw, most)
    if not _is_json(raw):
        return Content("text", text[:most], len(raw), len(text) > most)
    laid_out, whole = _bounded(_lay_out(text), most)
    return Content("json", laid_out, len(raw), not whole)


def masked(raw: bytes | None) -> Content:
    """Nothing but the size."""
    return Content("masked", None, 0 if raw is None else len(raw))


def _hexadecimal(raw: bytes, most: int) -> Content:
    shown = raw[: max(1, most // HEX_LETTERS)]
    return Content("hex", shown.hex(" "), len(raw), len(shown) < len(raw))


def _is_json(raw: bytes) -> bool:
    try:
        _check(raw)
    except (ValueError, RecursionError):
        return False
    return True


def _bounded(pieces: Iterator[str], most: int) -> tuple[str, bool]:
    """(the joined pieces, whether these are all): letters beyond `most` are never made."""
    taken: list[str] = []
    room = most
    for piece in pieces:
        taken.append(piece[:room])
        room -= len(piece)
        if room < 0:
            return "".join(taken), False
    return "".join(taken), True


def _lay_out(text: str) -> Iterator[str]:
    """The tokens of a JSON text as they are, on lines of their own: nothing is parsed, so nothing is rounded."""
    depth, before = 0, ""
    for match in TOKEN.finditer(text):
        token = match[0]
        if token in CLOSING:
            depth -= 1
        yield _space(before, token, depth) + token
        if token in OPENING:
            depth += 1
        before = token


def _space(before: str, token: str, depth: int) -> str:
    """What stands between two tokens. Empty objects and lists stay on one line."""
    if before == ":":
        return " "
    opened = before in OPENING and before != ""
    if before == "," or opened != (token in CLOSING):
        return "\n" + INDENT * depth if before else ""
    return ""
