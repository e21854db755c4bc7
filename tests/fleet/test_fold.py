"""Folding reports: a function of their log, so that nothing is counted twice whoever folds."""

from __future__ import annotations

from app.fleet.fold import GONE_KEPT_MS, POSITION, STOPPED_KEPT_MS, Fold, Folded
from app.fleet.reporting import Reporting
from app.fleet.view import Row
from app.fleet.wire import Place, heading, pack, unpack, written
from app.kafka.topic_writer import Written
from app.observing.series import STEPS, Series
from tests.fleet.logs import START_MS, Log
from tests.fleet.reports import report, row, standing


class Teller:
    """An instance that reports into a log every 5 s."""

    def __init__(self, name: str, log: Log) -> None:
        self._name = name
        self._log = log
        self._reporting = Reporting(name, lambda: log.now_ms / 1000)

    def tell(self, produced: int, state: str = "running", uptime_s: float = 0, rows: tuple[Row, ...] = ()) -> None:
        told = report(self._name, rows=rows, uptime_s=uptime_s, state=state)
        self._log.write(self._reporting.records(told, standing(produced=produced)))


def folded(log: Log, fold: Fold | None = None) -> Fold:
    fold = fold or Fold(Place(0, 0))
    for record in log.after(fold.next.offset):
        fold.apply(record)
    return fold


def total(fold: Fold, span: str = "7d") -> float:
    return sum(point.counted.get("produced", 0) for point in fold.series[span].points)


def taken_over(states: list[Written], metrics: list[Written]) -> Fold:
    """A fold that goes on from what another has written."""
    documents = {record.key: unpack(record.value) or {} for record in metrics}
    place = Place.parse(dict(metrics[0].headers)["place"].decode())  # type: ignore[union-attr]  # it has one
    assert place is not None
    series = {span: Series.parse(*step, documents[span]) for span, step in STEPS.items()}
    totals = documents[POSITION]["totals"]
    known = {record.key for record in states if record.value}
    return Fold(place, "log", {name: Folded(START_MS, totals=totals.get(name)) for name in known}, series)


def test_counts_since_the_last_report_are_added_up() -> None:
    log = Log()
    teller = Teller("a", log)
    for produced in (10, 25, 25, 40):
        teller.tell(produced)
        log.now_ms += 5000
    fold = folded(log)
    assert total(fold) == 40
    assert [point.value("produced_per_s") for point in fold.series["5m"].points] == [2, 3, 0, 3]


def test_a_lost_report_loses_no_count() -> None:
    log = Log()
    teller = Teller("a", log)
    teller.tell(10)
    log.now_ms += 10_000
    teller.tell(30)
    assert total(folded(log)) == 30


def test_what_an_instance_counted_before_it_was_known_is_not_of_this_time() -> None:
    log = Log()
    teller = Teller("a", log)
    teller.tell(1_000_000, uptime_s=3600)
    log.now_ms += 5000
    teller.tell(1_000_010, uptime_s=3605)
    assert total(folded(log)) == 10


def test_whoever_takes_over_comes_to_the_same_result() -> None:
    log = Log()
    tellers = [Teller("a", log), Teller("b", log)]
    first = Fold(Place(0, 0))
    states: list[Written] = []
    for produced in range(10, 60, 10):
        for teller in tellers:
            teller.tell(produced)
        log.now_ms += 5000
        folded(log, first)
        states += first.states()
        if produced == 30:
            kept_states, kept_metrics = list(states), first.metrics()
    second = folded(log, taken_over(kept_states, kept_metrics))
    assert total(second) == total(first) == 100
    assert [point.document() for point in second.series["1h"].points] == [
        point.document() for point in first.series["1h"].points
    ]


def test_a_report_goes_into_the_state_of_its_instance_with_its_place() -> None:
    log = Log()
    teller = Teller("a", log)
    teller.tell(1, rows=(row("t", 0), row("t", 1)))
    log.now_ms += 5000
    teller.tell(2, rows=(row("t", 0), row("t", 1)))
    states = folded(log).states()
    assert [record.key for record in states] == ["a", "a/0", "a"], "rows that did not change are not told again"
    assert dict(states[-1].headers)["place"] == b"0:2"
    assert (unpack(states[1].value) or {})["rows"][1]["partition"] == 1


def test_rows_that_are_no_more_are_forgotten() -> None:
    log = Log()
    teller = Teller("a", log)
    teller.tell(1, rows=tuple(row("t", number) for number in range(1500)))
    teller.tell(1, rows=(row("t", 0),))
    states = folded(log).states()
    assert [record.key for record in states if record.value is None] == ["a/1"]


def test_the_silent_are_forgotten_after_a_while_and_those_that_said_goodbye_sooner() -> None:
    log = Log()
    tellers = {name: Teller(name, log) for name in "abc"}
    tellers["a"].tell(1, state="stopped")
    tellers["b"].tell(1, rows=(row("t", 0),))
    fold = Fold(Place(0, 0))
    forgotten = []
    for wait_ms in (STOPPED_KEPT_MS + 1, GONE_KEPT_MS):
        log.now_ms += wait_ms
        tellers["c"].tell(1)
        folded(log, fold)
        forgotten.append([record.key for record in fold.states() if record.value is None])
    assert forgotten == [["a"], ["b/0", "b"]]
    assert list(fold.instances) == ["c"]


def test_records_that_are_not_ours_are_passed_over() -> None:
    log = Log()
    log.write(
        [
            Written("x", b"\x00garbage"),
            written("report", "y", b"not compressed"),
            written("report", "z", pack({"state": "running"})),
            written("report", "v", pack({"schema_version": 99})),
            written("partitions", "w/0", pack({"rows": []})),
        ]
    )
    fold = folded(log)
    assert fold.next == Place(0, 5)
    assert fold.states() == []


def test_a_clock_that_is_far_off_does_not_spoil_the_history() -> None:
    log = Log()
    reporting = Reporting("a", lambda: START_MS / 1000 + 86_400)
    log.write(reporting.records(report("a"), standing(produced=5)))
    assert [point.at for point in folded(log).series["5m"].points] == [START_MS // 1000]


def test_the_time_of_a_state_is_that_of_its_report() -> None:
    log = Log()
    Teller("a", log).tell(1)
    states = Log(now_ms=START_MS + 9999)
    states.write(folded(log).states())
    assert heading(states.records[0]).at_ms == START_MS
