"""History of one instance: what was counted in each step, how it stood, and nothing that is not known."""

from __future__ import annotations

from app.observing.history import History, Standing

START = 1_800_000_000


class Instance:
    """One that is as the test says, and its clock."""

    def __init__(self) -> None:
        self.now = float(START)
        self.standing = Standing({"produced": 0, "errors": 0}, {})
        self.history = History(lambda: self.standing, lambda: self.now)

    def second(self, seconds: int = 1) -> None:
        for _ in range(seconds):
            self.now += 1
            self.history.second_passed()


def test_a_rate_is_that_of_its_step_and_a_count_is_what_happened_in_it() -> None:
    instance = Instance()
    instance.standing = Standing({"produced": 50, "errors": 2}, {"lag": 7, "lag_s": None})
    instance.second(5)
    instance.standing = Standing({"produced": 50, "errors": 3}, {"lag": 9})
    instance.second(5)
    document = instance.history.document("5m")
    assert document["at"][-2:] == [START, START + 5]
    assert document["scope"] == "instance"
    shown = document["series"]
    assert shown["produced_per_s"][-2:] == [10, 0]
    assert shown["errors"][-2:] == [2, 1]
    assert shown["lag"][-3:] == [None, 7, 9]
    assert shown["lag_s"][-2:] == [None, None]


def test_steps_of_every_range_reach_back_over_the_whole_of_it() -> None:
    history = Instance().history
    for span, step_s, points in (("5m", 5, 60), ("1h", 60, 60), ("24h", 1800, 48), ("7d", 28_800, 21)):
        document = history.document(span)
        assert (document["range"], document["step_s"], len(document["at"])) == (span, step_s, points)
        assert all(len(values) == points for values in document["series"].values())


def test_memory_is_bounded_over_a_day() -> None:
    instance = Instance()
    for _ in range(24 * 720):
        instance.now += 5
        instance.history.second_passed()
    assert [len(series.points) for series in instance.history._series.values()] == [60, 60, 48, 3]


def test_latencies_are_those_of_no_step_without_a_delivery() -> None:
    instance = Instance()
    instance.standing = Standing({"produced": 5}, {"ack_p99_ms": 3.0})
    instance.second(10)
    assert instance.history.document("5m")["series"]["ack_p99_ms"][-2:] == [3.0, None]


def test_the_eight_topics_with_most_lag_are_kept() -> None:
    instance = Instance()
    instance.standing = Standing({}, {}, {f"t{number:02}": (number, 1.0) for number in range(100)})
    instance.second(5)
    by_topic = instance.history.document("5m")["by_topic"]
    assert list(by_topic) == [f"t{number}" for number in range(99, 91, -1)]
    assert (by_topic["t99"]["lag"][-1], by_topic["t99"]["lag_s"][-1]) == (99, 1.0)
