"""Offsets as ranges are the same set as one by one."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.redriving.ranges import Ranges

OFFSETS = st.lists(st.integers(0, 60), max_size=60)


@given(OFFSETS, OFFSETS)
def test_they_hold_what_was_put_in_and_nothing_else(first: list[int], second: list[int]) -> None:
    ranges = Ranges().with_offsets(first).with_offsets(second)
    assert [offset for offset in range(62) if offset in ranges] == sorted({*first, *second})


@given(OFFSETS)
def test_they_are_as_few_as_can_be_and_come_back_from_their_pairs(offsets: list[int]) -> None:
    pairs = Ranges().with_offsets(offsets).pairs
    assert all(first <= last for first, last in pairs)
    assert all(left[1] + 1 < right[0] for left, right in pairwise(pairs))
    assert Ranges(pairs).pairs == pairs


@given(OFFSETS, st.integers(0, 61))
def test_what_is_trimmed_away_is_forgotten(offsets: list[int], before: int) -> None:
    ranges = Ranges().with_offsets(offsets).without_before(before)
    assert [offset for offset in range(62) if offset in ranges] == sorted({one for one in offsets if one >= before})


def test_adding_leaves_the_others_alone() -> None:
    few = Ranges([(1, 2)])
    more = few.with_offsets([3])
    assert (few.pairs, more.pairs) == ([(1, 2)], [(1, 3)])


@given(OFFSETS, OFFSETS)
def test_they_are_counted_alone_and_together(first: list[int], second: list[int]) -> None:
    ranges, others = Ranges(), Ranges().with_offsets(second)
    for offset in first:
        ranges.add(offset)
    assert len(ranges) == len(set(first))
    assert ranges.common(others) == others.common(ranges) == len(set(first) & set(second))
