"""What is remembered of failed attempts."""

from __future__ import annotations

from app.consuming.attempts import MOST_PARTITIONS, Attempts, Failing
from app.messages import TopicPartition


def at(number: int) -> TopicPartition:
    return TopicPartition("t", number)


def test_that_which_failed_longest_ago_is_forgotten_first() -> None:
    attempts = Attempts()
    for number in range(MOST_PARTITIONS):
        attempts[at(number)] = Failing(7, 1)
    attempts[at(0)] = Failing(7, 2)
    attempts[at(MOST_PARTITIONS)] = Failing(7, 1)
    assert len(attempts) == MOST_PARTITIONS
    assert (attempts.get(at(0)), attempts.get(at(1))) == (Failing(7, 2), None)
