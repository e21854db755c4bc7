"""From what a caller gives to bytes: middleware, then validation, once for each message."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct

from app.errors import Fault, MessageInvalid, PayloadTooLarge
from app.messages import OutgoingMessage
from app.producing.contract import Encoded, encode

Middleware = Callable[[OutgoingMessage], OutgoingMessage]
Given = OutgoingMessage | Mapping[str, Any]
"""A message, or the fields of one by name."""


class Prepared(Struct, frozen=True):
    """A message that went through the middleware, and its bytes."""

    message: OutgoingMessage
    encoded: Encoded


class Preparation:
    """What every message goes through before it is accepted."""

    def __init__(self, max_payload_bytes: int) -> None:
        self.middleware: list[Middleware] = []
        self._max_payload_bytes = max_payload_bytes

    def one(self, message: OutgoingMessage) -> Prepared:
        """Raises MessageInvalid, PayloadTooLarge."""
        for step in self.middleware:
            message = step(message)
        return Prepared(message, encode(message, self._max_payload_bytes))

    def many(self, messages: Iterable[Given]) -> list[Prepared]:
        """All of `messages`. Raises MessageInvalid with the faults of all; their paths begin with the index."""
        prepared: list[Prepared] = []
        faults: list[Fault] = []
        for index, given in enumerate(messages):
            try:
                prepared.append(self.one(as_message(given)))
            except (MessageInvalid, PayloadTooLarge) as error:
                faults += faults_at(index, error)
        if faults:
            raise MessageInvalid(faults)
        return prepared


def as_message(given: Given) -> OutgoingMessage:
    """`given` as a message. Raises TypeError where it has a field that no message has."""
    return given if isinstance(given, OutgoingMessage) else OutgoingMessage(**given)


def faults_at(index: int, error: MessageInvalid | PayloadTooLarge) -> list[Fault]:
    """What is wrong with the message at `index` of many."""
    if isinstance(error, PayloadTooLarge):
        return [Fault(f"{index}.payload", error.detail)]
    return [Fault(f"{index}.{fault.path}", fault.message) for fault in error.faults]
