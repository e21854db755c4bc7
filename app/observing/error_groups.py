"""Every error, grouped by its class and place, with the traceback of the latest; in bounded memory."""

from __future__ import annotations

import hashlib
import time
import traceback
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.error_words import class_name
from app.events import ErrorOccurred, Monitor
from app.observing.error_log import error_message
from app.observing.group_figures import rfc_3339

KEPT = 1000
OFFSETS_KEPT = 20
MAX_TRACEBACK_BYTES = 32 * 1024
BEGINNING_BYTES = 4 * 1024
"""Of a traceback that is too long so much of the beginning is kept, and the end, where the cause stands."""
MOST_FRAMES = 200
TRACEBACKS_PER_S = 20
"""Writing one takes up to a millisecond; what comes faster keeps the traceback of one before."""
CUT = "\n… left out …\n"
Identity = tuple[object, ...]


@dataclass(slots=True)
class _Group:
    id: str
    event: ErrorOccurred
    first_at: datetime
    last_at: datetime
    class_name: str
    message: str
    count: int = 0
    attempts: int | None = None
    traceback: str | None = None
    offsets: deque[int] = field(default_factory=lambda: deque(maxlen=OFFSETS_KEPT))


class ErrorGroups:
    """Keeps the 1,000 groups in which something happened last."""

    def __init__(self, instance: str, monitor: Monitor, clock: Callable[[], float] = time.monotonic) -> None:
        self._instance = instance
        self._groups: OrderedDict[Identity, _Group] = OrderedDict()
        self._clock = clock
        self._second = 0
        self._written = 0
        monitor.subscribe(ErrorOccurred, self._error_occurred)

    def _error_occurred(self, event: ErrorOccurred) -> None:
        identity = (class_name(event.error), event.kind, event.group, event.topic, event.partition)
        group = self._groups.pop(identity, None)
        if group is None:
            group = _Group(group_id(self._instance, identity), event, event.at, event.at, class_name(event.error), "")
        self._groups[identity] = group
        if len(self._groups) > KEPT:
            self._groups.popitem(last=False)
        self._add(group, event)

    def _add(self, group: _Group, event: ErrorOccurred) -> None:
        group.count += 1
        group.last_at = event.at
        group.message = error_message(event.error)
        group.attempts = event.attempt
        if event.first_offset is not None and (not group.offsets or group.offsets[-1] != event.first_offset):
            group.offsets.append(event.first_offset)
        if self._may_write():
            group.traceback = traceback_text(event.error)
        group.event = _without_error(event)

    def _may_write(self) -> bool:
        second = int(self._clock())
        if second != self._second:
            self._second, self._written = second, 0
        self._written += 1
        return self._written <= TRACEBACKS_PER_S

    def rows(self) -> list[dict[str, Any]]:
        """Every group, the latest first."""
        return [_row(group, self._instance) for group in reversed(self._groups.values())]

    def one(self, identity: str) -> dict[str, Any] | None:
        """The group of this id, with its traceback and latest offsets; None where it is not kept."""
        found = next((group for group in self._groups.values() if group.id == identity), None)
        return None if found is None else {**_row(found, self._instance), **_details(found)}

    def whole_rows(self) -> list[dict[str, Any]]:
        """As `rows`, each with what `one` has besides."""
        return [{**_row(group, self._instance), **_details(group)} for group in reversed(self._groups.values())]


def _without_error(event: ErrorOccurred) -> ErrorOccurred:
    """An error holds the frames that it came through, and with them whatever payloads were at hand."""
    place = (event.group, event.topic, event.partition, event.first_offset, event.last_offset, event.attempt)
    return ErrorOccurred(event.kind, Exception(), *place, event.consumer, at=event.at)


def _row(group: _Group, instance: str) -> dict[str, Any]:
    event = group.event
    return {
        "id": group.id,
        "class": group.class_name,
        "kind": event.kind,
        "message": group.message,
        "group": event.group,
        "topic": event.topic,
        "partition": event.partition,
        "offset": event.first_offset,
        "consumer": event.consumer,
        "first_at": rfc_3339(group.first_at),
        "last_at": rfc_3339(group.last_at),
        "count": group.count,
        "instance": instance,
    }


def _details(group: _Group) -> dict[str, Any]:
    return {"traceback": group.traceback, "offsets": list(group.offsets)[::-1], "attempts": group.attempts}


def group_id(instance: str, identity: Identity) -> str:
    """Of a group of errors, the same wherever they are shown. `identity`: class, kind, group, topic, partition."""
    return hashlib.blake2b(repr((instance, *identity)).encode("utf-8", "backslashreplace"), digest_size=6).hexdigest()


def traceback_text(error: BaseException) -> str:
    """The traceback, at most 32 KiB of it; what stands between its beginning and its end is left out."""
    lines = traceback.TracebackException.from_exception(error, limit=-MOST_FRAMES, compact=True).format()
    text = "".join(lines).encode("utf-8", "backslashreplace")
    if len(text) > MAX_TRACEBACK_BYTES:
        end = MAX_TRACEBACK_BYTES - BEGINNING_BYTES - len(CUT.encode())
        text = text[:BEGINNING_BYTES] + CUT.encode() + text[-end:]
    return text.decode("utf-8", "ignore")
