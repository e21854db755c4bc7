"""Where what was sent, what was said and what is there do not agree."""

from __future__ import annotations

from app.verifying.ledger import Ledger


def sent(ledger: Ledger, count: int) -> None:
    for _ in range(count):
        ledger.next_number(0)


def test_true_verdicts_are_well_whichever_comes_first() -> None:
    ledger = Ledger()
    sent(ledger, 4)
    ledger.verdict(0, 0, "delivered", 10, 1.0)
    ledger.seen(0, 0, 10, 2.0)
    ledger.seen(0, 1, 11, 2.0)
    ledger.verdict(0, 1, "delivered", 11, 1.0)
    ledger.verdict(0, 2, "failed", None, 1.0)
    ledger.verdict(0, 3, "unknown", None, 1.0)
    ledger.seen(0, 3, 12, 2.0)
    document = ledger.document()
    assert ledger.well
    assert (document["sent"], document["delivered"], document["failed"], document["unknown"]) == (4, 2, 1, 1)
    assert (document["seen"], document["unknown_stored"]) == (3, 1)
    assert (document["acknowledged_ms"]["count"], document["end_to_end_ms"]["count"]) == (2, 3)


def test_each_fault_is_told_apart() -> None:
    lost, twice, order, there, place = (Ledger() for _ in range(5))
    sent(lost, 2)
    lost.verdict(0, 0, "delivered", 0, 1.0)
    lost.verdict(0, 1, "delivered", 1, 1.0)
    lost.seen(0, 1, 1, 1.0)
    assert (lost.lost, list(lost.missing()), lost.well) == (1, ["lost: message 0 of partition 0"], False)
    twice.seen(0, 0, 0, 1.0)
    twice.seen(0, 0, 1, 1.0)
    assert (twice.duplicated, twice.well) == (1, False)
    order.seen(0, 1, 0, 1.0)
    order.seen(0, 0, 1, 1.0)
    assert (order.reordered, order.well) == (1, False)
    there.verdict(0, 0, "failed", None, 1.0)
    there.seen(0, 0, 0, 1.0)
    there.seen(0, 1, 1, 1.0)
    there.verdict(0, 1, "failed", None, 1.0)
    assert (there.unexpected, there.well) == (2, False)
    place.verdict(0, 0, "delivered", 5, 1.0)
    place.seen(0, 0, 6, 1.0)
    assert (place.misplaced, place.well) == (1, False)
    assert place.examples == ["misplaced: message 0 of partition 0"]


def test_an_unknown_message_is_undecided_until_it_or_a_later_one_is_seen() -> None:
    ledger = Ledger()
    sent(ledger, 4)
    for number in (1, 2, 3):
        ledger.verdict(0, number, "unknown", None, 1.0)
    ledger.seen(0, 0, 0, 1.0)
    assert ledger.undecided == 3
    ledger.seen(0, 2, 1, 1.0)
    assert ledger.undecided == 1
    ledger.seen(0, 3, 2, 1.0)
    assert (ledger.undecided, ledger.well) == (0, True)


def test_partitions_are_apart() -> None:
    ledger = Ledger()
    ledger.seen(0, 5, 0, 1.0)
    ledger.seen(1, 0, 0, 1.0)
    assert ledger.well


def test_memory_is_that_of_the_gaps() -> None:
    ledger = Ledger()
    for number in range(20_000):
        ledger.next_number(0)
        ledger.verdict(0, number, "delivered", number, 1.0)
        ledger.seen(0, number, number, 1.0)
    assert ledger.of(0).seen.pairs == [(0, 19_999)]
    assert ledger._offsets == {}
