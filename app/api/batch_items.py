"""The messages of one batch call and what became of each; and which status all of it adds up to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from app.api.calls import Call
from app.api.message_reader import ReadMessage
from app.api.problems import PROBLEM_JSON, Refusal, code_of, errors_of, problem, problem_headers, refusal_of
from app.api.replies import Reply
from app.api.topic_policy import AnyPolicy
from app.errors import Fault, ProduceError
from app.messages import OutgoingMessage
from app.producer import DeliveryHandle

UNKNOWN = "delivery_unknown"
CAPACITY_CODES = frozenset({"broker_unavailable", "queue_full", "overloaded", "draining"})


class Item:
    """One message of a batch: with a `handle` once it was accepted, with a `refusal` when it failed.

    `index` is its place in the list of the body; None where it is the whole body, or a line of it.
    """

    __slots__ = ("handle", "index", "label", "message", "receipt_id", "refusal")

    def __init__(self, index: int | None, read: ReadMessage) -> None:
        self.index = index
        self.label = read.label
        self.message = read.outgoing
        self.handle: DeliveryHandle | None = None
        self.receipt_id: str | None = None
        self.refusal: Refusal | None = None
        if read.outgoing is None:
            self.refuse(Refusal("invalid_message", "; ".join(map(str, read.faults)), read.faults))
        else:
            self.label = read.outgoing.label

    def refuse(self, refusal: Refusal) -> None:
        """It fails for this reason; the places of its faults are named from the body on."""
        place = "" if self.index is None else f"messages.{self.index}"
        faults = refusal.faults or (Fault("", refusal.detail),)
        placed = [Fault(".".join(filter(None, (place, path))), message) for path, message in faults]
        self.refusal = Refusal(refusal.code, refusal.detail, placed)

    def fail(self, error: ProduceError) -> None:
        """It fails for what the producer says."""
        self.refuse(refusal_of(error))

    @property
    def sendable(self) -> OutgoingMessage | None:
        """The message, if nothing is known against it."""
        return self.message if self.refusal is None else None

    def result(self) -> dict[str, Any]:
        """What the answer says of it."""
        if self.refusal is not None:
            return self._failure(self.refusal)
        if self.receipt_id is not None and self.message is not None:
            topic = self.message.topic
            return {"receipt_id": self.receipt_id, "status": "pending", "topic": topic, "label": self.label}
        if self.handle is None:
            return self._failure(Refusal("atomic", "Not sent: another message of the batch has a fault"))
        handle = self.handle
        return {
            "status": "delivered",
            "topic": handle.topic,
            "partition": handle.partition,
            "offset": handle.offset,
            "timestamp": handle.timestamp,
            "label": handle.label,
        }

    def _failure(self, refusal: Refusal) -> dict[str, Any]:
        status = {"atomic": "not_sent", UNKNOWN: "unknown"}.get(refusal.code, "failed")
        return {
            "status": status,
            "code": refusal.code,
            "detail": refusal.detail,
            "retriable": code_of(refusal.code).retriable,
            "errors": errors_of(refusal.faults) if refusal.code != UNKNOWN else [],
            "label": self.label,
        }


def make_items(reads: Sequence[ReadMessage], policy: AnyPolicy, *, alone: bool = False) -> list[Item]:
    """The items of a body; what clients may not produce is refused. `alone`: they stand in no list."""
    items = [Item(None if alone else index, read) for index, read in enumerate(reads)]
    for item in items:
        if item.message is not None and (refusal := policy.refusal_of(item.message)) is not None:
            item.refuse(refusal)
    return items


class Outcome(NamedTuple):
    """The status of a batch and, where it is not 2xx, the refusal that chose it."""

    status: int
    chosen: Refusal | None


def outcome(items: Sequence[Item], success: int) -> Outcome:
    """`success` where all are well, 207 where some are; else 504, 503 or 422 by the gravest kind of failure."""
    refusals = [item.refusal for item in items if item.refusal is not None]
    if len(refusals) < len(items):
        partly = 207 if success == 200 else success
        return Outcome(partly if refusals else success, None)
    for status, kind in ((504, frozenset({UNKNOWN})), (503, CAPACITY_CODES)):
        for refusal in refusals:
            if refusal.code in kind:
                return Outcome(status, refusal)
    return Outcome(422, refusals[0])


def answer(items: Sequence[Item], members: dict[str, Any], decided: Outcome, call: Call) -> Reply:
    """The answer of a batch call; one that is not 2xx has the members of a problem document too."""
    if decided.chosen is None:
        return Reply(decided.status, orjson.dumps(members))
    faults = [fault for item in items if item.refusal for fault in item.refusal.faults]
    code = decided.chosen.code
    document = problem(code, _summary(items, decided.chosen), call.request_id, faults, root=call.root)
    document["status"] = decided.status
    return Reply(decided.status, orjson.dumps({**document, **members}), PROBLEM_JSON, problem_headers(code))


def _summary(items: Sequence[Item], chosen: Refusal) -> str:
    """What is said of the whole; `chosen` is the refusal of one of the items, or of all of them together."""
    index = next((item.index for item in items if item.refusal is chosen), None)
    if len(items) == 1 or index is None:
        return chosen.detail
    stored = "is known to be stored" if chosen.code == UNKNOWN else "is stored"
    return f"None of the {len(items)} messages {stored}; messages.{index}: {chosen.detail}"
