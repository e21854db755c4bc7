"""The last errors, equal ones folded into one with a count."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.error_words import class_name, error_text
from app.events import ErrorOccurred, Monitor
from app.messages import TopicPartition
from app.observing.group_figures import rfc_3339

KEPT = 20
MAX_MESSAGE = 1024
Identity = tuple[object, ...]


@dataclass(slots=True)
class _Folded:
    event: ErrorOccurred
    count: int
    at: datetime


class ErrorLog:
    """Keeps the last 20 different errors; one that happens again moves to the front."""

    def __init__(self, monitor: Monitor) -> None:
        self._folded: OrderedDict[Identity, _Folded] = OrderedDict()
        monitor.subscribe(ErrorOccurred, self._error_occurred)

    def _error_occurred(self, event: ErrorOccurred) -> None:
        place = (event.group, event.topic, event.partition, event.first_offset)
        identity = (event.kind, class_name(event.error), error_message(event.error), *place)
        count = self._folded.pop(identity).count if identity in self._folded else 0
        self._folded[identity] = _Folded(event, count + 1, event.at)
        if len(self._folded) > KEPT:
            self._folded.popitem(last=False)

    def latest_class(self, at: TopicPartition) -> str | None:
        """The name of the class of the latest error of a partition, if it is still kept."""
        for folded in reversed(self._folded.values()):
            if (folded.event.topic, folded.event.partition) == at:
                return type(folded.event.error).__qualname__
        return None

    def document(self) -> list[dict[str, Any]]:
        """The `errors` part of the snapshot, the latest first."""
        return [_document(folded) for folded in reversed(self._folded.values())]


def _document(folded: _Folded) -> dict[str, Any]:
    event = folded.event
    return {
        "at": rfc_3339(folded.at),
        "kind": event.kind,
        "class": class_name(event.error),
        "message": error_message(event.error),
        "group": event.group,
        "topic": event.topic,
        "partition": event.partition,
        "offset": event.first_offset,
        "count": folded.count,
    }


def error_message(error: BaseException) -> str:
    """An error's text, cut to a length that a page can show; never fails, whatever the error's own code does."""
    return error_text(error)[:MAX_MESSAGE].encode("utf-8", "backslashreplace").decode("utf-8")
