"""History: what a point makes of its samples."""

from __future__ import annotations

from app.observing.series import STEPS, Sample, Series, history

AT = 1_800_000_000
NOBODY: dict[str, float] = {}


def series(span: str = "5m") -> Series:
    return Series(*STEPS[span])


def test_instances_of_one_time_are_summed_or_the_worst_is_taken() -> None:
    made = series()
    made.add(Sample(AT, {"produced": 50, "errors": 1}, {"lag": 10, "lag_s": 2, "rss_bytes": 100}))
    made.add(Sample(AT, {"produced": 100, "errors": 2}, {"lag": 20, "lag_s": 1, "rss_bytes": 300}))
    (point,) = made.points
    names = ("produced_per_s", "errors", "lag", "lag_s", "rss_bytes")
    assert [point.value(name) for name in names] == [30, 3, 30, 2, 400]
    assert point.value("cpu_percent") is point.value("consumed_per_s") is None


def test_a_longer_point_has_the_mean_of_what_stands_and_the_sum_of_what_is_counted() -> None:
    made = series("1h")
    for tick in range(4):
        made.add(Sample(AT + 5 * tick, {"produced": 10, "dead": 1}, {"lag": 10 * tick}, {"a": (10.0 * tick, None)}))
    (point,) = made.points
    assert (point.at, point.ticks) == (AT, 4)
    assert [point.value(name) for name in ("produced_per_s", "dead", "lag")] == [2, 4, 15]
    assert point.lag_of("a") == 15


def test_only_the_span_is_kept_and_what_is_older_is_not_taken() -> None:
    made = series()
    for tick in range(100):
        made.add(Sample(AT + 5 * tick, {"errors": 1}, NOBODY))
    made.add(Sample(AT, {"errors": 9}, NOBODY))
    assert [point.at for point in made.points] == [AT + 5 * tick for tick in range(40, 100)]


def test_a_late_sample_goes_to_its_own_time() -> None:
    made = series()
    for at in (AT, AT + 10, AT + 5, AT):
        made.add(Sample(at, {"errors": 1}, NOBODY))
    assert [(point.at, point.value("errors")) for point in made.points] == [(AT, 2), (AT + 5, 1), (AT + 10, 1)]


def test_points_are_the_same_after_they_were_written_and_read() -> None:
    made = series("24h")
    made.add(Sample(AT, {"produced": 5}, {"lag": 1, "lag_s": 3}, {"a": (1.0, 3.0)}))
    again = Series.parse(*STEPS["24h"], made.document())
    assert again.points == made.points


def test_the_document_has_every_step_and_none_where_nothing_is_known() -> None:
    made = series()
    made.add(Sample(AT, {"produced": 5}, {"lag": 7}, {"a": (7.0, 1.0)}))
    document = history("5m", made, AT + 10, "fleet")
    assert (document["step_s"], document["scope"], len(document["at"])) == (5, "fleet", 60)
    assert document["at"][-3:] == [AT, AT + 5, AT + 10]
    assert document["series"]["produced_per_s"][-3:] == [1, None, None]
    assert document["by_topic"]["a"]["lag"][-3:] == [7, None, None]
    assert {len(values) for values in document["series"].values()} == {60}


def test_the_topics_with_most_lag_are_shown() -> None:
    made = series()
    made.add(Sample(AT, NOBODY, NOBODY, {f"t{n}": (float(n), None) for n in range(12)}))
    shown = history("5m", made, AT + 5, "fleet")["by_topic"]
    assert list(shown) == [f"t{n}" for n in range(11, 3, -1)]
