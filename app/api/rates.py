"""How many messages a caller may send in a time: token buckets, one for each key or client address."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import NamedTuple

from app.api.problems import Refusal
from app.settings import RATE

PERIOD_S = {"s": 1, "min": 60, "h": 3600}
Clock = Callable[[], float]


class Rate(NamedTuple):
    """So many messages in so many seconds; all of them may come at once."""

    messages: int
    period_s: int


def parse_rate(text: str) -> Rate:
    """The rate that `1000/s`, `500/min` or `20/h` stands for. Raises ValueError."""
    match = RATE(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no rate: write for example 1000/s, 500/min or 20/h")
    return Rate(int(match[1]), PERIOD_S[match[2]])


class Bucket:
    """What is left of a rate: full at first, refilled evenly, never above the rate's messages.

    More messages at once than the rate has are never let in: the answer says that waiting does not help.
    """

    __slots__ = ("_clock", "_left", "_per_s", "_read_at", "rate")

    def __init__(self, rate: Rate, clock: Clock = time.monotonic) -> None:
        self.rate = rate
        self._clock = clock
        self._per_s = rate.messages / rate.period_s
        self._left = float(rate.messages)
        self._read_at = clock()

    def take(self, messages: int) -> None:
        """Counts messages against the rate. Raises Refusal `rate_limited`; nothing is counted then."""
        self.check(messages)
        self._left -= messages

    def check(self, messages: int) -> None:
        """Raises Refusal `rate_limited` where so many may not be taken now."""
        if self._refilled() < messages:
            raise self._refusal(messages)

    def give_back(self, messages: int) -> None:
        """What was taken has not been used."""
        self._left = min(self._refilled() + messages, self.rate.messages)

    @property
    def full(self) -> bool:
        """Whether nothing would be lost by forgetting it."""
        return self._refilled() >= self.rate.messages

    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """RateLimit-Limit, -Remaining and -Reset (seconds until the bucket is full again)."""
        left = self._refilled()
        reset_s = math.ceil((self.rate.messages - left) / self._per_s)
        return (
            (b"ratelimit-limit", b"%d" % self.rate.messages),
            (b"ratelimit-remaining", b"%d" % max(0, math.floor(left))),
            (b"ratelimit-reset", b"%d" % reset_s),
        )

    def _refilled(self) -> float:
        now = self._clock()
        self._left = min(self._left + (now - self._read_at) * self._per_s, self.rate.messages)
        self._read_at = now
        return self._left

    def _refusal(self, messages: int) -> Refusal:
        rate = self.rate
        wait_s = max(1, math.ceil((min(messages, rate.messages) - self._left) / self._per_s))
        allowed = f"the {rate.messages} messages in {rate.period_s} s that are allowed"
        if messages > rate.messages:
            detail = f"The call has {messages} messages, more than {allowed}: it passes only in parts"
        else:
            detail = f"More messages than {allowed}; try again in {wait_s} s"
        return Refusal("rate_limited", detail, headers=[(b"retry-after", b"%d" % wait_s)])
