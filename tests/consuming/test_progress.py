"""What of a batch is done, also out of line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.consuming.offsets import OffsetLedger
from app.consuming.progress import Progress
from tests.consuming.stage import AT
from tests.fakes import records


def begun(*offsets: int) -> tuple[Progress, OffsetLedger]:
    ledger = OffsetLedger()
    ledger.assign(AT, 1, None)
    progress = Progress(AT, 1, ledger)
    progress.begin(records(*offsets))
    return progress, ledger


def test_what_is_done_out_of_line_moves_the_mark_only_when_all_before_it_is_done() -> None:
    progress, ledger = begun(3, 4, 6, 9)
    assert progress.done([6])
    assert ledger.marked(AT) is None
    assert progress.done([3])
    assert ledger.marked(AT) == 4
    assert progress.done([4])
    assert ledger.marked(AT) == 7
    assert [record.offset for record in progress.remaining(records(3, 4, 6, 9))] == [9]


def test_a_mark_covers_all_before_it_and_joins_what_was_done_behind_it() -> None:
    progress, ledger = begun(0, 1, 2, 3)
    progress.done([2])
    assert progress.done_up_to(1)
    assert [record.offset for record in progress.remaining(records(0, 1, 2, 3))] == [3]
    progress.done([3])
    assert ledger.marked(AT) == 4


def test_a_new_batch_forgets_what_was_done_in_the_last() -> None:
    progress, _ = begun(0, 1)
    progress.done([1])
    progress.begin(records(1))
    assert [record.offset for record in progress.remaining(records(1))] == [1]


def test_when_the_partition_was_lost_it_says_so_and_marks_nothing() -> None:
    progress, ledger = begun(0, 1)
    ledger.assign(AT, 2, None)
    assert not progress.done([0])
    assert not progress.done([1])
    assert not progress.done_up_to(1)
    assert ledger.marked(AT) is None


@given(st.permutations(range(8)))
def test_in_whatever_order_records_are_done_the_mark_is_the_highest_contiguous_one(order: list[int]) -> None:
    progress, ledger = begun(*range(8))
    finished: set[int] = set()
    for offset in order:
        progress.done([offset])
        finished.add(offset)
        contiguous = next((n for n in range(8) if n not in finished), 8)
        assert (ledger.marked(AT) or 0) == contiguous
