"""A client that looks alive and fetches nothing."""

from __future__ import annotations

from app.consuming.watchdog import STUCK_AFTER_MOST_S, Watchdog
from app.kafka.protocols import Reading
from tests.consuming.stage import AT, OTHER


def test_a_partition_whose_fetches_are_not_answered_is_stuck() -> None:
    dog = Watchdog(45)
    assert dog.look(0, {AT: Reading(1, 5, 5)}) is None
    assert dog.look(45, {AT: Reading(1, 5, 5)}) is None
    assert dog.look(46, {AT: Reading(1, 5, 5)}) == "nothing has come from t-0 for 45 s: position 5, end 5"


def test_a_position_that_does_not_move_although_there_are_records_is_stuck() -> None:
    dog = Watchdog(45)
    answers = [dog.look(now, {AT: Reading(now, 5, 9 + now)}) for now in range(60)]
    assert answers[:46] == [None] * 46
    assert answers[46] is not None


def test_an_idle_partition_whose_fetches_are_answered_is_well() -> None:
    dog = Watchdog(45)
    assert not any(dog.look(now, {AT: Reading(now, 5, 5)}) for now in range(500))


def test_a_partition_behind_which_a_transaction_is_open_is_well() -> None:
    dog = Watchdog(45)
    readable_end = 5
    assert not any(dog.look(now, {AT: Reading(now, 5, readable_end)}) for now in range(500))


def test_a_partition_that_works_or_is_paused_in_between_begins_anew() -> None:
    dog = Watchdog(45)
    dog.look(0, {AT: Reading(1, 5, 9)})
    dog.look(40, {})
    assert dog.look(50, {AT: Reading(1, 5, 9)}) is None


def test_where_a_new_client_does_not_help_patience_grows_and_ends_with_progress() -> None:
    dog, now, waits = Watchdog(45), 0.0, []
    for _ in range(7):
        began = now
        while dog.look(now, {AT: Reading(1, 5, 9), OTHER: Reading(int(now), 1, 1)}) is None:
            now += 1
        waits.append(now - began)
    assert waits == [46, 91, 181, 361, 721, 721, 721]
    assert waits[-1] == STUCK_AFTER_MOST_S + 1
    dog.look(now, {AT: Reading(1, 5, 9)})
    dog.look(now, {AT: Reading(2, 9, 9)})
    assert dog.look(now + 46, {AT: Reading(2, 9, 9)}) is not None
