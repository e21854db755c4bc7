"""Rates: so many messages in a time, refilled evenly."""

from __future__ import annotations

import pytest

from app.api.problems import Refusal
from app.api.rates import Bucket, Rate, parse_rate


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.mark.parametrize(
    ("text", "rate"), [("1000/s", (1000, 1)), ("60/min", (60, 60)), ("1/h", (1, 3600)), (" 5/s ", (5, 1))]
)
def test_rates_are_read(text: str, rate: tuple[int, int]) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["", "5", "0/s", "-1/s", "1.5/s", "5/d", "5 / s", "٥/s", "9999999999/s"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no rate"):
        parse_rate(text)


def refusal(bucket: Bucket, messages: int) -> dict[str, str]:
    """The headers of the refusal, and those of every answer."""
    with pytest.raises(Refusal) as raised:
        bucket.take(messages)
    assert raised.value.code == "rate_limited"
    return {name.decode(): value.decode() for name, value in (*raised.value.headers, *bucket.headers())}


def test_a_full_rate_may_come_at_once_and_is_refilled_evenly() -> None:
    clock = Clock()
    bucket = Bucket(Rate(60, 60), clock)
    bucket.take(60)
    assert refusal(bucket, 1) == {
        "retry-after": "1",
        "ratelimit-limit": "60",
        "ratelimit-remaining": "0",
        "ratelimit-reset": "60",
    }
    assert refusal(bucket, 10)["retry-after"] == "10"
    clock.now_s += 10
    bucket.take(10)
    assert refusal(bucket, 1)["ratelimit-remaining"] == "0"
    clock.now_s += 1000
    assert bucket.full
    bucket.take(60)
    assert not bucket.full


def test_what_is_refused_costs_nothing() -> None:
    clock = Clock()
    bucket = Bucket(Rate(10, 1), clock)
    bucket.take(8)
    for _ in range(5):
        refusal(bucket, 3)
    bucket.take(2)


def test_more_at_once_than_the_rate_has_never_pass_and_the_answer_says_so() -> None:
    bucket = Bucket(Rate(10, 1), Clock())
    with pytest.raises(Refusal, match=r"has 11 messages, more than the 10 messages in 1 s .* only in parts") as raised:
        bucket.take(11)
    assert raised.value.code == "rate_limited"
    bucket.take(10)
