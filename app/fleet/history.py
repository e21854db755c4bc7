"""The fleet's history as whoever folds has last written it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from app.fleet.fold import POSITION
from app.fleet.wire import Heading, Place, unpack
from app.observing.series import STEPS, Series, history

SETTLED_AFTER_S = 6
"""So long after its end a time of 5 s is complete: every instance has reported, and that was folded."""


class Kept(NamedTuple):
    """Up to where the reports were folded, and in which log of them."""

    place: Place
    log: str


class _Value(NamedTuple):
    place: Place
    value: bytes


class History:
    """Fed with every record of the metrics' topic; what is behind what is known is passed over."""

    def __init__(self) -> None:
        self._kept: dict[str, _Value] = {}
        self._read: dict[str, tuple[_Value, Series]] = {}

    def take(self, about: Heading, value: bytes | None) -> None:
        if about.place is None or value is None or (about.key not in STEPS and about.key != POSITION):
            return
        known = self._kept.get(about.key)
        if known is None or known.place <= about.place:
            self._kept[about.key] = _Value(about.place, value)

    @property
    def whole(self) -> bool:
        """Whether all that is kept is of one place: its records are written together, and may come in two pieces."""
        return len({kept.place for kept in self._kept.values()}) <= 1

    def kept(self) -> Kept | None:
        """None where nothing was folded."""
        kept = self._kept.get(POSITION)
        return None if kept is None else Kept(kept.place, str(self._position().get("log", "")))

    def totals(self) -> Mapping[str, Mapping[str, float]]:
        """What each instance had counted at its last sample."""
        return self._position().get("totals", {})  # type: ignore[no-any-return]  # JSON

    def _position(self) -> Mapping[str, Any]:
        kept = self._kept.get(POSITION)
        return {} if kept is None else unpack(kept.value) or {}

    def series(self, span: str) -> Series:
        """The points of a range."""
        kept = self._kept.get(span)
        if kept is None:
            return Series(*STEPS[span])
        read = self._read.get(span)
        if read is None or read[0] is not kept:
            read = self._read[span] = (kept, _series(span, unpack(kept.value)))
        return read[1]

    def own_series(self) -> dict[str, Series]:
        """All ranges, for whoever goes on with them."""
        return {span: _series(span, unpack(kept.value)) for span, kept in self._kept.items() if span in STEPS}

    def document(self, span: str, now: float) -> dict[str, Any]:
        """A range that ends with what is complete at `now`, seconds since 1970."""
        return history(span, self.series(span), now - SETTLED_AFTER_S, "fleet")


def _series(span: str, document: Mapping[str, Any] | None) -> Series:
    try:
        return Series.parse(*STEPS[span], document or {"points": []})
    except (KeyError, TypeError):  # somebody else's record
        return Series(*STEPS[span])
