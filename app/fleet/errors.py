"""Errors on their way to the other instances, and what the others have told of theirs."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from app.error_words import class_name
from app.events import ErrorOccurred, Monitor
from app.fleet.view import Row
from app.observing.error_groups import group_id, traceback_text
from app.observing.error_log import error_message
from app.observing.group_figures import rfc_3339

MOST_AT_ONCE = 50
"""Kinds of errors in one report; how often others happened meanwhile is not told."""
MOST_TRACEBACK = 8 * 1024
MOST_GROUPS = 1000
MOST_OFFSETS = 20
Identity = tuple[Any, ...]


class ErrorEntry(msgspec.Struct, kw_only=True):
    """Errors of one class at one place since the last report."""

    kind: str
    error_class: str
    message: str
    group: str | None
    topic: str | None
    partition: int | None
    offset: int | None
    consumer: str | None
    attempts: int | None
    traceback: str
    first_at: str
    last_at: str
    count: int = 1

    @property
    def identity(self) -> Identity:
        return (self.error_class, self.kind, self.group, self.topic, self.partition)


class ErrorsToTell:
    """Collects this instance's errors between two reports, in bounded memory."""

    def __init__(self, monitor: Monitor) -> None:
        self._entries: dict[Identity, ErrorEntry] = {}
        monitor.subscribe(ErrorOccurred, self._error_occurred)

    def _error_occurred(self, event: ErrorOccurred) -> None:
        identity = (class_name(event.error), event.kind, event.group, event.topic, event.partition)
        before = self._entries.get(identity)
        if before is None and len(self._entries) >= MOST_AT_ONCE:
            return
        at = rfc_3339(event.at)
        entry = ErrorEntry(
            kind=event.kind,
            error_class=identity[0],
            message=error_message(event.error),
            group=event.group,
            topic=event.topic,
            partition=event.partition,
            offset=event.first_offset,
            consumer=event.consumer,
            attempts=event.attempt,
            traceback=before.traceback if before else traceback_text(event.error)[-MOST_TRACEBACK:],
            first_at=before.first_at if before else at,
            last_at=at,
            count=before.count + 1 if before else 1,
        )
        self._entries[identity] = entry

    def take(self) -> list[ErrorEntry]:
        """Those since the last call."""
        entries, self._entries = self._entries, {}
        return list(entries.values())

    def give_back(self, entries: Iterable[ErrorEntry]) -> None:
        """They could not be told: they are among the next ones, as far as there is room."""
        for entry in entries:
            later = self._entries.get(entry.identity)
            if later is not None:
                later.count += entry.count
                later.first_at = entry.first_at
            elif len(self._entries) < MOST_AT_ONCE:
                self._entries[entry.identity] = entry


class FleetErrors:
    """What the others have told, grouped by instance, class and place; the latest 1,000 groups."""

    def __init__(self) -> None:
        self._rows: OrderedDict[Identity, dict[str, Any]] = OrderedDict()

    def take(self, instance: str, document: Mapping[str, Any]) -> None:
        """A record's document; what is no error of ours is passed over."""
        try:
            entries = msgspec.convert(document.get("errors"), list[ErrorEntry])
        except msgspec.ValidationError:
            return
        for entry in entries:
            self._add(instance, entry)

    def _add(self, instance: str, entry: ErrorEntry) -> None:
        identity = (instance, *entry.identity)
        before = self._rows.pop(identity, None)
        offsets = list(before["offsets"]) if before else []
        if entry.offset is not None and entry.offset not in offsets[:1]:
            offsets.insert(0, entry.offset)
        row = {name: value for name, value in msgspec.structs.asdict(entry).items() if name != "error_class"}
        row |= {
            "id": group_id(instance, entry.identity),
            "class": entry.error_class,
            "instance": instance,
            "offsets": offsets[:MOST_OFFSETS],
        }
        if before:
            row |= {"first_at": before["first_at"], "count": before["count"] + entry.count}
        self._rows[identity] = row
        if len(self._rows) > MOST_GROUPS:
            self._rows.popitem(last=False)

    def rows(self) -> Sequence[Row]:
        """The latest first."""
        return list(reversed(self._rows.values()))
