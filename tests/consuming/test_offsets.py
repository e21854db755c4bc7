"""What is done and what is committed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.consuming.offsets import OffsetLedger
from app.messages import TopicPartition

AT, OTHER = TopicPartition("t", 0), TopicPartition("t", 1)


def ledger(committed: int | None = None, epoch: int = 1) -> OffsetLedger:
    made = OffsetLedger()
    made.assign(AT, epoch, committed)
    return made


def test_marks_only_go_forward() -> None:
    book = ledger()
    assert book.mark(AT, 1, 5)
    assert book.mark(AT, 1, 3)
    assert book.marked(AT) == 5


def test_nothing_is_committed_where_nothing_was_marked() -> None:
    assert ledger(committed=7).to_commit() == {}


def test_a_commit_never_goes_back() -> None:
    book = ledger(committed=7)
    book.mark(AT, 1, 5)
    assert book.to_commit() == {}
    book.mark(AT, 1, 8)
    assert book.to_commit() == {AT: 8}


def test_what_is_committed_is_not_committed_again() -> None:
    book = ledger()
    book.mark(AT, 1, 5)
    book.settle(book.to_commit())
    assert (book.to_commit(), book.committed(AT)) == ({}, 5)


def test_a_passed_epoch_marks_nothing_even_when_the_partition_has_come_back() -> None:
    book = ledger()
    book.revoke(AT)
    assert not book.mark(AT, 1, 5)
    book.assign(AT, 2, 3)
    assert not book.mark(AT, 1, 5)
    assert (book.marked(AT), book.to_commit()) == (None, {})
    assert book.mark(AT, 2, 4)


def test_a_late_answer_to_a_commit_says_nothing_of_a_partition_that_has_gone() -> None:
    book = ledger()
    book.mark(AT, 1, 5)
    asked = book.to_commit()
    book.revoke(AT)
    book.settle(asked)
    assert book.committed(AT) is None


def test_what_was_marked_while_a_commit_was_under_way_goes_with_the_next() -> None:
    book = ledger()
    book.mark(AT, 1, 5)
    asked = book.to_commit()
    book.mark(AT, 1, 9)
    book.settle(asked)
    assert book.to_commit() == {AT: 9}


Steps = st.lists(
    st.one_of(
        st.tuples(st.just("mark"), st.integers(1, 4), st.integers(0, 50)),
        st.tuples(st.just("commit"), st.just(0), st.just(0)),
        st.tuples(st.just("reassign"), st.just(0), st.just(0)),
    ),
    max_size=60,
)


@given(Steps)
def test_commits_never_go_back_and_hold_only_what_this_epoch_marked(steps: list[tuple[str, int, int]]) -> None:
    book, epoch, committed, best = ledger(), 1, 0, 0
    for step, of_epoch, offset in steps:
        if step == "mark":
            assert book.mark(AT, of_epoch, offset) == (of_epoch == epoch)
            best = max(best, offset) if of_epoch == epoch else best
        elif step == "reassign":
            epoch, best = epoch + 1, 0
            book.revoke(AT)
            book.assign(AT, epoch, committed)
        elif asked := book.to_commit():
            assert asked[AT] == best > committed or (committed == 0 and asked[AT] == best)
            committed = asked[AT]
            book.settle(asked)


def test_only_a_seek_takes_a_commit_back_and_only_once() -> None:
    book = ledger(committed=7)
    book.mark(AT, 1, 9)
    book.rewind(AT, 3)
    assert (book.marked(AT), book.to_commit()) == (3, {AT: 3})
    book.settle(book.to_commit())
    assert book.to_commit() == {}
    book.mark(AT, 1, 2)
    assert (book.marked(AT), book.to_commit()) == (3, {})


def test_a_seek_to_what_is_committed_needs_no_commit() -> None:
    book = ledger(committed=7)
    book.rewind(AT, 7)
    assert book.to_commit() == {}


def test_a_seek_during_a_commit_is_committed_with_the_next() -> None:
    book = ledger(committed=7)
    book.mark(AT, 1, 9)
    on_its_way = book.to_commit()
    book.rewind(AT, 3)
    book.settle(on_its_way)
    assert book.to_commit() == {AT: 3}
