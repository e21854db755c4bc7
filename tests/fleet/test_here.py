"""What this instance tells of itself is what its listeners know."""

from __future__ import annotations

from app.events import PartitionsAssigned
from app.fleet.here import HereAndNow
from app.fleet.view import Owner
from app.messages import TopicPartition
from tests.api.conftest import make_service, service
from tests.api.service import Service

__all__ = ["make_service", "service"]


async def test_a_report_has_what_the_snapshot_has(service: Service) -> None:
    at = TopicPartition("example", 1)
    service.monitor.emit(PartitionsAssigned("demijohn", "l", frozenset({at})))
    here = HereAndNow("host:1:ab", service.snapshot)
    report = here.report()
    assert (report.instance, report.this, report.gone) == ("host:1:ab", True, False)
    assert (report.about["state"], report.about["assigned"]) == ("running", 1)
    assert [group["name"] for group in report.groups] == ["demijohn"]
    assert [(row["group"], row["topic"], row["partition"]) for row in report.partitions()] == [
        ("demijohn", "example", 1)
    ]
    assert here.owns(Owner("demijohn", "example", 1))
    assert not here.owns(Owner("demijohn", "example", 0))
    assert not here.owns(Owner("other", "example", 1))
