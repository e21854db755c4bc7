"""The short way from a body to its messages, for those that have nothing but topic, payload and a key that is text.

Most are like that. Where anything else is found, or anything might be wrong, these functions give None, and
`app.api.message_reader` reads the body in full.
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec
from msgspec import UNSET, Raw, UnsetType

from app.api.field_values import NULL
from app.messages import OutgoingMessage
from app.routes.validation import is_topic_name

TOPICS_CACHED = 10_000
ESCAPED_COLON = re.compile(rb"\\u003[aA]").search
UNSURE = (msgspec.MsgspecError, ValueError, RecursionError)
"""What msgspec raises of a text that it is too strict for, or that is not JSON."""
_is_topic_name = lru_cache(maxsize=TOPICS_CACHED)(is_topic_name)


class Plain(msgspec.Struct, forbid_unknown_fields=True):
    """A message with nothing to it that has to be looked at closely."""

    topic: str
    payload: Raw
    key: str | UnsetType = UNSET


class _PlainBatch(msgspec.Struct, forbid_unknown_fields=True):
    messages: list[Plain]


_decode_one = msgspec.json.Decoder(Plain).decode
_decode_batch = msgspec.json.Decoder(_PlainBatch).decode


def plain_message(text: bytes) -> OutgoingMessage | None:
    """The message that `text` is."""
    try:
        plain = _decode_one(text)
    except UNSURE:
        return None
    messages = _outgoing(text, [plain], 0)
    return None if messages is None else messages[0]


def plain_batch(text: bytes, max_messages: int) -> list[OutgoingMessage] | None:
    """The messages of `{"messages": […]}`."""
    try:
        batch = _decode_batch(text).messages
    except UNSURE:
        return None
    return _outgoing(text, batch, 1) if 0 < len(batch) <= max_messages else None


def _outgoing(text: bytes, given: list[Plain], colons: int) -> list[OutgoingMessage] | None:
    """Outside of its values an object has exactly one colon for each member. So a count that does not come out even,
    from the `colons` around the messages on, shows a repeated name, of which msgspec has kept only the last."""
    outgoing = []
    for plain in given:
        topic, key, payload = plain.topic, plain.key, bytes(plain.payload)
        if payload == NULL or not _is_topic_name(topic):
            return None
        colons += 2 + payload.count(b":")
        if key is UNSET:
            outgoing.append(OutgoingMessage(topic=topic, payload=payload))
        else:
            colons += 1 + key.count(":")
            outgoing.append(OutgoingMessage(topic=topic, payload=payload, key=key.encode()))
    return outgoing if text.count(b":") == colons and not ESCAPED_COLON(text) else None
