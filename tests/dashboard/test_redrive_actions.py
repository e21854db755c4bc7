"""Redrives from the dashboard: what they take, how they are watched and cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.dashboard.redrive_actions import MOST_RECORDS, RECORDS, redrive_actions, redrive_pages
from app.events import Monitor
from app.observing.log import LogLines
from tests.api.conftest import MakeService
from tests.api.service import Service
from tests.dashboard.conftest import ACT
from tests.redriving.brokers import DLQ, Brokers, Place
from tests.waiting import until


@pytest.fixture
def brokers() -> Brokers:
    brokers = Brokers()
    brokers.fail(*range(6))
    return brokers


@pytest.fixture
async def service(make_service: MakeService, brokers: Brokers) -> AsyncIterator[Service]:
    place = Place(brokers, Monitor())
    LogLines(place.monitor)
    actions, pages = redrive_actions(place.redrives, brokers), list(redrive_pages(place.redrives))
    service = make_service(actions=actions, pages=pages, dashboard_actions=True)
    yield service
    await place.close()


async def begin(service: Service, topic: str = DLQ, **body: object) -> httpx.Response:
    body = {"records": "all", **body}
    return await service.http.post(f"/dashboard/api/dead-letters/{topic}/redrive", json=body, headers=ACT)


async def ended(service: Service, redrive_id: str) -> dict[str, Any]:
    """Its document once it is over."""
    found: dict[str, Any] = {}

    async def over() -> bool:
        found.update((await service.http.get(f"/dashboard/api/redrives/{redrive_id}")).json())
        return bool(found["state"] != "running")

    await until(over, "it is over")
    return found


async def test_one_is_begun_watched_and_listed(service: Service, brokers: Brokers) -> None:
    begun = await begin(service)
    assert begun.status_code == 202
    assert begun.json()["state"] == "running"
    document = await ended(service, begun.json()["id"])
    assert (document["total"], document["done"], document["skipped"], document["failed"]) == (6, 6, 0, 0)
    assert (document["by"], document["kept"], document["dry_run"]) == ("operator@127.0.0.1", True, False)
    assert document["ended_at"]
    (row,) = (await service.http.get("/dashboard/api/redrives")).json()["redrives"]
    assert row["id"] == document["id"]
    (acted,) = (await service.http.get("/dashboard/api/audit")).json()["audit"]
    assert (acted["action"], acted["target"], acted["detail"]) == (
        "dead_letters.redrive",
        DLQ,
        "all to where each came from",
    )


async def test_a_dry_run_is_not_audited(service: Service, brokers: Brokers) -> None:
    begun = await begin(service, dry_run=True, records=[[0, 0], [1, 2]], target="other", rate_per_s=10)
    assert (await ended(service, begun.json()["id"]))["done"] == 2
    assert (await service.http.get("/dashboard/api/audit")).json()["audit"] == []
    assert brokers.sent("other") == []


async def test_it_can_be_cancelled_and_another_must_wait_for_it(service: Service) -> None:
    first = (await begin(service, rate_per_s=1)).json()
    second = await begin(service)
    assert (second.status_code, second.json()["code"]) == (409, "conflict")
    assert (await service.http.delete(f"/dashboard/api/redrives/{first['id']}")).status_code == 200
    assert (await ended(service, first["id"]))["state"] == "cancelled"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_one_that_is_not_known_is_404(service: Service, method: str) -> None:
    response = await service.http.request(method, "/dashboard/api/redrives/nonsense")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("body", "path", "message"),
    [
        ({"records": "some"}, "records", RECORDS),
        ({"records": []}, "records", RECORDS),
        ({"records": [[0]]}, "records", RECORDS),
        ({"records": [[0, -1]]}, "records", RECORDS),
        ({"records": [[True, 1]]}, "records", RECORDS),
        ({"records": [[0, 1]] * (MOST_RECORDS + 1)}, "records", RECORDS),
        ({"records": [[2, 1]]}, "records", "there is no partition 2, only 0 to 1"),
        ({"target": "gone"}, "target", "the topic gone does not exist"),
        ({"target": DLQ}, "target", "must be another topic than that of the dead letters"),
        ({"target": "demijohn_states"}, "target", "demijohn_states is not written by operators"),
        ({"rate_per_s": 0}, "rate_per_s", "input should be greater than 0"),
        ({"limit": 3}, "limit", "is not known"),
    ],
)
async def test_what_cannot_be_is_422_with_its_path(
    service: Service, body: dict[str, Any], path: str, message: str
) -> None:
    response = await begin(service, **body)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_action")
    assert response.json()["errors"] == [{"path": path, "message": message}]


@pytest.mark.parametrize("topic", ["gone", "__consumer_offsets", "demijohn_states"])
async def test_a_topic_without_dead_letters_is_404(service: Service, topic: str) -> None:
    response = await begin(service, topic)
    assert (response.status_code, response.json()["code"]) == (404, "unknown_topic")


async def test_it_is_logged(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "demijohn")
    begun = (await begin(service)).json()
    await ended(service, begun["id"])
    await asyncio.sleep(0)
    assert f"[{begun['id']}] Redrive of {DLQ} begun by operator@127.0.0.1" in caplog.text
    assert f"[{begun['id']}] Redrive of {DLQ} done: 6 sent, 0 skipped, 0 failed" in caplog.text
