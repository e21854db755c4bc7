"""The fleet's history as it was last written."""

from __future__ import annotations

from app.fleet.fold import Fold
from app.fleet.history import History, Kept
from app.fleet.wire import Place, heading, pack, written
from app.observing.series import Sample
from tests.fleet.logs import START_MS, Log

AT = START_MS // 1000


def kept(log: Log) -> History:
    history = History()
    for record in log.records:
        history.take(heading(record), record.value)
    return history


def fold(place: Place, errors: int) -> Fold:
    made = Fold(place, "log")
    for series in made.series.values():
        series.add(Sample(AT, {"errors": errors}, {}))
    return made


def errors(history: History, span: str = "1h") -> float:
    return sum(point.counted["errors"] for point in history.series(span).points)


def test_what_was_folded_is_read_as_it_was_written() -> None:
    log = Log()
    log.write(fold(Place(0, 7), 3).metrics())
    history = kept(log)
    assert (history.kept(), errors(history)) == (Kept(Place(0, 7), "log"), 3)
    assert history.document("1h", AT + 30)["series"]["errors"][-1] == 3
    assert set(history.own_series()) == {"5m", "1h", "24h", "7d"}


def test_what_one_that_was_thought_dead_writes_late_is_passed_over() -> None:
    log = Log()
    for place, count in ((Place(0, 9), 5), (Place(0, 7), 3)):
        log.write(fold(place, count).metrics())
    assert errors(kept(log)) == 5
    log.write(fold(Place(1, 0), 1).metrics())
    assert errors(kept(log)) == 1, "the reports' topic was made anew"


def test_there_may_be_nothing_or_nothing_that_can_be_read() -> None:
    log = Log()
    log.write([written("metrics", "1h", pack({"points": [["?"]], "x": 1}), place=Place(0, 1))])
    log.write(
        [written("metrics", "5m", pack({}), place=Place(0, 1)), written("metrics", "other", b"", place=Place(0, 1))]
    )
    history = kept(log)
    assert (history.kept(), history.totals(), history.series("5m").points) == (None, {}, [])
    assert set(history.document("24h", AT)["series"]["lag"]) == {None}


def test_a_history_that_has_come_half_is_not_whole() -> None:
    log = Log()
    log.write(fold(Place(0, 7), 3).metrics())
    assert kept(log).whole
    log.write(fold(Place(0, 9), 4).metrics()[:2])
    assert not kept(log).whole
