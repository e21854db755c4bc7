"""What an instance tells of itself."""

from __future__ import annotations

from app.fleet.head import Head, read_head
from app.fleet.reporting import CHUNK_ROWS, REPEAT_AFTER_S, Reporting
from app.fleet.wire import unpack
from app.kafka.topic_writer import MOST_BATCH_BYTES, Written
from tests.fleet.reports import report, row, standing

MANY = [row(f"topic-{n // 100}", n % 100, lag=n) for n in range(10_000)]


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def head_of(records: list[Written]) -> Head:
    head = read_head(records[0].value)
    assert head is not None
    return head


def test_a_report_has_the_totals_and_how_the_instance_stands() -> None:
    told = report("a", rows=[row("t", 0, 7, 1.5)], uptime_s=12.5)
    stands = standing(7, {"t": (7, 1.5)}, produced=10, failed=2, consumed=8, errors=3)
    head = head_of(list(Reporting("a", Clock()).records(told, stands, "quiet")))
    assert (head.instance, head.state, head.uptime_s, head.chunks) == ("a", "quiet", 12.5, 1)
    assert head.totals == {"produced": 10, "failed": 2, "consumed": 8, "errors": 3, "retries": 0, "dead": 0}
    assert (head.gauges["lag"], head.gauges["cpu_percent"]) == (7, None)
    assert head.topics == {"t": (7, 1.5)}


def test_there_is_one_sample_for_each_five_seconds() -> None:
    clock = Clock()
    reporting = Reporting("a", clock)
    steps = []
    for seconds in (0, 1, 3, 2):
        clock.now += seconds
        steps.append(head_of(list(reporting.records(report("a"), standing()))).step)
    assert steps == [1_800_000_000, None, None, 1_800_000_005]


def test_ten_thousand_partitions_fit_into_records_that_kafka_takes() -> None:
    records = list(Reporting("a", Clock()).records(report("a", rows=MANY), standing()))
    assert len(records) == 1 + len(MANY) // CHUNK_ROWS
    assert max(len(record.value or b"") for record in records) < MOST_BATCH_BYTES
    rows = [row["lag"] for record in records[1:] for row in (unpack(record.value) or {})["rows"]]
    assert len(rows) == len(MANY)


def test_of_many_partitions_only_what_changed_is_told_again() -> None:
    reporting = Reporting("a", Clock())
    list(reporting.records(report("a", rows=MANY), standing()))
    changed = [*MANY[:-1], row("topic-99", 99, lag=123_456)]
    again = list(reporting.records(report("a", rows=changed), standing()))
    assert [record.key for record in again] == ["a", "a/9"]


def test_all_is_told_again_after_a_while_and_after_a_failure() -> None:
    clock = Clock()
    reporting = Reporting("a", clock)
    told = []
    for seconds in (0, 5, REPEAT_AFTER_S):
        clock.now += seconds
        told.append(len(list(reporting.records(report("a", rows=MANY), standing()))))
    reporting.not_stored()
    told.append(len(list(reporting.records(report("a", rows=MANY), standing()))))
    assert told == [11, 1, 11, 11]


def test_acknowledgements_are_of_a_time_in_which_there_were_some() -> None:
    clock = Clock()
    reporting = Reporting("a", clock)
    acks = []
    for produced in (5, 5, 6):
        head = head_of(list(reporting.records(report("a"), standing(produced=produced))))
        acks.append(head.gauges.get("ack_p99_ms"))
        clock.now += 5
    assert acks == [3, None, 3]
