"""A set of offsets of one partition, kept as ranges: what was redriven is mostly contiguous."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable


class Ranges:
    """Offsets. `pairs` are (first, last), both included, ascending and apart from each other."""

    __slots__ = ("_firsts", "_lasts")

    def __init__(self, pairs: Iterable[tuple[int, int]] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in pairs:
            self._firsts.append(first)
            self._lasts.append(last)

    @property
    def pairs(self) -> list[tuple[int, int]]:
        return list(zip(self._firsts, self._lasts, strict=True))

    def __contains__(self, offset: int) -> bool:
        at = bisect_right(self._firsts, offset) - 1
        return at >= 0 and offset <= self._lasts[at]

    def __len__(self) -> int:
        """How many offsets."""
        return sum(last - first + 1 for first, last in zip(self._firsts, self._lasts, strict=True))

    def common(self, other: Ranges) -> int:
        """How many offsets are in both."""
        count = at = 0
        others = other.pairs
        for first, last in self.pairs:
            while at < len(others) and others[at][1] < first:
                at += 1
            for begin, end in others[at:]:
                if begin > last:
                    break
                count += min(last, end) - max(first, begin) + 1
        return count

    def add(self, offset: int) -> None:
        """One more."""
        if offset not in self:
            self._add(offset)

    def with_offsets(self, offsets: Iterable[int]) -> Ranges:
        """These and those."""
        more = Ranges(self.pairs)
        for offset in offsets:
            more._add(offset)
        return more

    def without_before(self, offset: int) -> Ranges:
        """Those from `offset` on: what is trimmed away is never asked for again."""
        return Ranges((max(first, offset), last) for first, last in self.pairs if last >= offset)

    def _add(self, offset: int) -> None:
        at = bisect_right(self._firsts, offset)
        joins_left = at > 0 and self._lasts[at - 1] >= offset - 1
        joins_right = at < len(self._firsts) and self._firsts[at] == offset + 1
        if joins_left and joins_right:
            self._lasts[at - 1] = self._lasts.pop(at)
            del self._firsts[at]
        elif joins_left:
            self._lasts[at - 1] = max(self._lasts[at - 1], offset)
        elif joins_right:
            self._firsts[at] = offset
        else:
            self._firsts.insert(at, offset)
            self._lasts.insert(at, offset)
