"""Where folding goes on when an instance takes over."""

from __future__ import annotations

from app.fleet.folding import Reports, next_place
from app.fleet.history import Kept
from app.fleet.wire import Place

NOW = Reports("log", 10, 80)


def place(kept: Place | None, of_states: Place | None = None, reports: Reports = NOW, *, lost: bool = False) -> Place:
    return next_place(None if kept is None else Kept(kept, "log"), reports, of_states, lost=lost)


def test_it_goes_on_where_the_last_one_has_kept_what_it_had() -> None:
    assert place(Place(2, 50), Place(2, 57)) == Place(2, 50)


def test_without_any_it_begins_with_the_reports_that_are_there() -> None:
    assert place(None) == Place(0, 10)


def test_reports_that_were_dropped_meanwhile_are_passed_over() -> None:
    assert place(Place(0, 5)) == Place(0, 10)


def test_a_topic_of_reports_that_was_made_anew_begins_an_era() -> None:
    assert place(Place(0, 50), Place(0, 49), Reports("another log", 0, 80)) == Place(1, 0)
    assert place(Place(0, 500), Place(0, 49), Reports("", 0, 80)) == Place(1, 0), "Kafka may not tell topics apart"


def test_a_broker_that_does_not_know_the_end_yet_makes_nobody_fold_again() -> None:
    assert place(Place(0, 83)) == Place(0, 83)


def test_a_log_that_has_lost_its_end_is_folded_from_there() -> None:
    assert place(Place(0, 83), lost=True) == Place(1, 80)


def test_states_that_are_ahead_of_the_history_begin_an_era_so_that_new_ones_count() -> None:
    assert place(None, Place(3, 70)) == Place(4, 10)
    assert place(Place(1, 20), Place(3, 70)) == Place(4, 20)
