"""Percentiles out of buckets."""

from __future__ import annotations

import random

import pytest

from app.verifying.times import Times


def test_percentiles_are_those_of_the_sorted_times_within_two_percent() -> None:
    chance = random.Random(1)
    taken = [chance.lognormvariate(2, 1) for _ in range(5000)]
    times = Times()
    for one in taken:
        times.add(one)
    ordered = sorted(taken)
    for share in (0.5, 0.9, 0.99, 0.999):
        exact = ordered[int(share * len(ordered)) - 1]
        assert exact <= (times.percentile(share) or 0) * 1.001
        assert times.percentile(share) == pytest.approx(exact, rel=0.03)
    assert times.most_ms == ordered[-1]
    assert times.percentile(1) == pytest.approx(ordered[-1])


def test_without_any_there_is_nothing() -> None:
    assert (Times().percentile(0.5), Times().drawn()) == (None, [])
    assert Times().document() == {"count": 0, "p50": None, "p90": None, "p99": None, "p999": None, "max": None}


def test_each_doubling_is_a_line() -> None:
    times = Times()
    for took_ms in (0.0, 3.0, 3.0, 3.9, 30.0):
        times.add(took_ms)
    lines = times.drawn()
    assert [line.split()[0] for line in lines] == ["0.125", "0.25", "0.5", "1", "2", "4", "8", "16", "32"]
    assert lines[5].split()[2:] == ["3", "#" * 40]
    assert lines[4].split()[2:] == ["0"]
