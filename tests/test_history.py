"""The checker of histories finds each fault, and takes no faultless history for a faulty one."""

from __future__ import annotations

import pytest

from tests.history import Commit, Given, History, How, Kind, Report, Trouble

T = "t"


def story(*given: str, messages: int = 4) -> History:
    """A history of one partition with `messages` acknowledged ones. `given` are deliveries, a second apart from
    second 1 on: `a1:0` is offset 0 to instance a, assignment 1; `a1:0x2` is its second attempt."""
    history = History()
    for offset in range(messages):
        history.acknowledged(T, 0, offset, f"id{offset}")
    for second, text in enumerate(given, 1):
        who, _, what = text.partition(":")
        where, _, attempt = what.partition("x")
        history.given(delivery(who, int(where), second, int(attempt or "1")))
    return history


def delivery(who: str, offset: int, at: float, attempt: int = 1) -> Given:
    return Given(who[0], who, T, 0, offset, f"id{offset}", at, attempt)


def commit(offset: int, at: float) -> Commit:
    return Commit(T, 0, offset, at)


def test_a_faultless_history_has_no_faults() -> None:
    history = story("a1:0", "a1:1", "b1:2", "b1:3")
    history.finished("a1", T, 0, 1, at=2.1)
    history.ended("a1", T, 0, "revoked", at=2.3)
    history.finished("b1", T, 0, 3, at=4.1)
    history.committed(commit(2, at=2.2))
    history.committed(commit(4, at=4.2))
    report = history.check()
    assert report == Report(records=4, given=4, longest_silence_s=1.0)
    assert str(report) == "4 records, given 4 times, redelivered: none"


def test_an_acknowledged_message_that_nobody_was_given_is_lost() -> None:
    assert story("a1:0", "a1:1", "a1:3").check().lost == ("t-0 offset 2 (id id2)",)


def test_a_message_that_was_never_produced_is_unseen() -> None:
    assert len(story("a1:0", "a1:1", messages=1).check().unseen) == 1


def test_a_message_at_another_place_than_was_acknowledged_is_unseen() -> None:
    history = story("a1:0", messages=1)
    history.given(Given("a", "a1", T, 0, 1, "id0", 2, 1))
    assert len(history.check().unseen) == 1


def test_a_message_of_unknown_fate_may_be_given_and_may_not_be() -> None:
    history = story("a1:0", "a1:1", messages=1)
    history.unknown("id1")
    history.unknown("id2")
    assert history.check().faults == {}


def test_a_first_delivery_behind_a_later_message_is_reordered() -> None:
    report = story("a1:0", "a1:2", "a1:1", "a1:3").check()
    assert report.faults == {"reordered": 1}


def test_deliveries_are_ordered_by_time_over_instances() -> None:
    history = story(messages=3)
    for who, offset, at in [("b1", 1, 2.0), ("b1", 2, 3.0), ("a1", 0, 1.0)]:
        history.given(delivery(who, offset, at))
    assert history.check().faults == {}


def test_a_redelivery_out_of_nothing_is_duplicated() -> None:
    assert story("a1:0", "a1:1", "a1:2", "a1:1", "a1:3").check().faults == {"duplicated": 1}
    assert story("a1:0", "a1:1", "b1:1", "b1:2", "b1:3").check().faults == {"duplicated": 1}


def test_a_retry_explains_a_redelivery_within_the_assignment() -> None:
    report = story("a1:0", "a1:1", "a1:0x2", "a1:1x2", "a1:2", "a1:3").check()
    assert (report.faults, report.explained) == ({}, {"retry": 2})


@pytest.mark.parametrize("kind", ["killed", "hung", "cut"])
def test_trouble_of_the_instance_explains_that_another_is_given_it(kind: Kind) -> None:
    history = story("a1:0", "a1:1", "b1:1", "b1:2", "b1:3")
    history.troubled(Trouble(kind, 2.1, 2.5, "a"))
    report = history.check()
    assert (report.faults, report.explained) == ({}, {kind: 1})


def test_trouble_of_another_instance_or_another_time_explains_nothing() -> None:
    for trouble in [Trouble("killed", 2.1, 2.5, "c"), Trouble("killed", 3.5, 3.6, "a"), Trouble("broker", 0, 1.5)]:
        history = story("a1:0", "a1:1", "b1:1", "b1:2", "b1:3")
        history.troubled(trouble)
        assert history.check().faults == {"duplicated": 1}


def test_a_revoke_explains_a_redelivery_of_what_was_not_finished() -> None:
    history = story("a1:0", "a1:1", "b1:1", "b1:2", "b1:3")
    history.finished("a1", T, 0, 0, at=1.1)
    history.ended("a1", T, 0, "revoked", at=2.1)
    report = history.check()
    assert (report.faults, report.explained) == ({}, {"revoked": 1})


def test_a_job_that_outlived_its_assignment_explains_a_redelivery_before_its_end() -> None:
    history = story("a1:0", "a1:1", "b1:1", "b1:2", "b1:3")
    history.ended("a1", T, 0, "outlived", at=9)
    history.ended("a1", T, 0, "revoked", at=9.1)
    report = history.check()
    assert (report.faults, report.explained) == ({}, {"outlived": 1})


def test_an_orderly_end_explains_no_redelivery_of_what_was_finished() -> None:
    ways: tuple[How, How] = ("revoked", "shutdown")
    for how in ways:
        history = story("a1:0", "a1:1", "b1:1", "b1:2", "b1:3")
        history.finished("a1", T, 0, 1, at=2.1)
        history.ended("a1", T, 0, how, at=2.2)
        history.troubled(Trouble("broker", 2.5, 2.6))
        assert history.check().faults == {"duplicated": 1}, "trouble after the end excuses nothing"


def test_brokers_in_trouble_excuse_a_commit_that_failed_at_an_orderly_end() -> None:
    history = story("a1:0", "a1:1", "b1:1", "b1:2", "b1:3")
    history.finished("a1", T, 0, 1, at=2.1)
    history.ended("a1", T, 0, "revoked", at=2.2)
    history.troubled(Trouble("broker", 2.15, 5))
    report = history.check()
    assert (report.faults, report.explained) == ({}, {"broker": 1})


def test_a_seek_explains_redeliveries_and_a_commit_that_moves_back() -> None:
    history = story("a1:0", "a1:1", "a1:0", "a1:1", "a1:2", "a1:3")
    history.finished("a1", T, 0, 1, at=2.1)
    history.sought(T, 0, at=2.5)
    history.committed(commit(2, at=2.2))
    history.committed(commit(1, at=3.2))
    report = history.check()
    assert (report.faults, report.explained) == ({}, {"seek": 2})


def test_a_commit_below_the_one_before_has_moved_back() -> None:
    history = story("a1:0", "a1:1", "a1:2", "a1:3")
    history.finished("a1", T, 0, 3, at=4.1)
    for offset, at in [(4, 4.2), (4, 4.3), (2, 4.4), (4, 4.5)]:
        history.committed(commit(offset, at))
    assert history.check().moved_back == ("t-0 from 4 to 2 at 4.400",)


def test_a_commit_of_what_was_not_finished_is_too_early() -> None:
    history = story("a1:0", "a1:1", "a1:2", "a1:3")
    history.finished("a1", T, 0, 1, at=2.5)
    history.finished("a1", T, 0, 3, at=4.5)
    history.committed(commit(2, at=2.4))
    history.committed(commit(4, at=4.6))
    assert list(history.check().too_early) == [
        f"t-0 2 at 2.400, before offset {offset} was finished" for offset in (0, 1)
    ]


def test_a_commit_of_what_was_never_given_is_too_early() -> None:
    history = story("a1:0", "a1:1", "a1:2")
    history.finished("a1", T, 0, 2, at=3.1)
    history.committed(commit(4, at=9))
    assert history.check().faults == {"lost": 1, "too_early": 1}


def test_an_assignment_that_begins_before_what_was_committed_has_ignored_it() -> None:
    history = story("a1:0", "a1:1", "b1:1", "b1:2", "b1:3")
    history.finished("a1", T, 0, 1, at=2.1)
    history.troubled(Trouble("killed", 2.5, 2.5, "a"))
    history.committed(commit(2, at=2.2))
    assert history.check().faults == {"ignored": 1}


def test_a_report_shows_five_of_a_kind() -> None:
    text = str(story(messages=7).check())
    assert text.splitlines()[0].startswith("7 records")
    assert text.count("lost: t-0 offset") == 5
    assert "lost: … and 2 more" in text


def test_a_million_deliveries_are_checked() -> None:
    history = History()
    for offset in range(250_000):
        for partition in range(4):
            history.acknowledged(T, partition, offset, f"{offset}")
            history.given(Given("a", f"a{offset // 1000}", T, partition, offset, f"{offset}", offset, 1))
    for offset in range(99, 250_000, 100):
        for partition in range(4):
            history.finished(f"a{offset // 1000}", T, partition, offset, offset + 0.5)
            history.committed(Commit(T, partition, offset + 1, offset + 0.9))
    history.given(Given("a", "a0", T, 3, 7, "7", 300_000, 1))
    report = history.check()
    assert (report.records, report.given, report.faults) == (1_000_000, 1_000_001, {"duplicated": 1})
