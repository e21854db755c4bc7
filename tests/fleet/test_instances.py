"""What an instance knows of the others."""

from __future__ import annotations

from app.fleet.fold import GONE_KEPT_MS
from app.fleet.instances import Instances
from app.fleet.reporting import Reporting
from app.fleet.view import Row
from app.fleet.wire import Heading, Place
from tests.fleet.logs import START_MS
from tests.fleet.reports import report, row, standing


def known(now_ms: int = START_MS) -> Instances:
    return Instances("me", 30.0, lambda: now_ms / 1000)


def tell(
    instances: Instances, name: str, offset: int, at_ms: int, state: str = "running", rows: tuple[Row, ...] = ()
) -> None:
    reporting = Reporting(name, lambda: at_ms / 1000)
    for record in reporting.records(report(name, rows=rows), standing(), state):
        kind = "partitions" if "/" in record.key else "report"
        instances.take(Heading(kind, record.key, at_ms, Place(0, offset)), record.value)


def shown(instances: Instances) -> list[tuple[str, bool]]:
    return [(other.instance, other.gone) for other in instances.others()]


def test_others_are_shown_with_their_rows() -> None:
    instances = known()
    tell(instances, "me", 0, START_MS)
    tell(instances, "a", 1, START_MS, rows=(row("t", 0, 5),))
    (other,) = instances.others()
    assert (other.instance, other.about["state"], other.gone, other.this) == ("a", "running", False, False)
    assert [row["lag"] for row in other.partitions()] == [5]
    assert instances.living() == 1


def test_one_that_is_silent_while_others_report_is_gone_and_dropped_later() -> None:
    instances = known()
    tell(instances, "a", 0, START_MS)
    seen = []
    for after_ms in (29_000, 31_000, GONE_KEPT_MS + 1):
        tell(instances, "me", 1, START_MS + after_ms)
        seen.append((shown(instances), instances.living()))
    assert seen == [([("a", False)], 1), ([("a", True)], 0), ([], 0)]


def test_nobody_is_gone_while_nothing_is_folded() -> None:
    instances = known(START_MS + 3_600_000)
    tell(instances, "me", 0, START_MS)
    tell(instances, "a", 1, START_MS)
    assert shown(instances) == [("a", False)]


def test_what_was_left_by_instances_of_yesterday_is_not_shown() -> None:
    instances = known(START_MS + 86_400_000)
    tell(instances, "a", 0, START_MS)
    assert (shown(instances), instances.living()) == ([], 0)


def test_one_that_said_goodbye_no_longer_lives() -> None:
    instances = known()
    tell(instances, "me", 0, START_MS)
    tell(instances, "a", 1, START_MS, state="stopped")
    (other,) = instances.others()
    assert (other.about["state"], other.gone, instances.living()) == ("stopped", True, 0)


def test_what_one_that_was_thought_dead_writes_late_is_passed_over() -> None:
    instances = known()
    tell(instances, "a", 7, START_MS + 5000, rows=(row("t", 0, 2),))
    tell(instances, "a", 3, START_MS, state="quiet", rows=(row("t", 0, 1),))
    (other,) = instances.others()
    assert other.about["state"] == "running"
    assert [row["lag"] for row in other.partitions()] == [2]


def test_an_instance_that_was_dropped_is_forgotten_with_its_rows() -> None:
    instances = known()
    tell(instances, "a", 0, START_MS, rows=(row("t", 0),))
    instances.take(Heading("report", "a", START_MS, Place(0, 1)), None)
    assert (shown(instances), instances.folded({})) == ([], {})


def test_whoever_takes_over_learns_of_every_instance() -> None:
    instances = known()
    tell(instances, "a", 0, START_MS, rows=(row("t", 0),))
    (folded,) = instances.folded({"a": {"errors": 3}}).values()
    assert (folded.at_ms, folded.state, folded.chunks, folded.totals) == (START_MS, "running", 1, {"errors": 3})
