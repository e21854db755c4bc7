"""Pausing and resuming partitions from the dashboard."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
import pytest

from app.dashboard.pause_actions import pause_actions
from app.fleet.pauses import Pauses
from tests.api.conftest import MakeService
from tests.api.service import Service
from tests.dashboard.conftest import ACT
from tests.fleet.test_pauses import Kept, Steered

GROUPS: dict[str, dict[str, int]] = {"g": {"t": 3, "u": 1}}


class Consumed:
    def consumed(self, group: str) -> Mapping[str, int] | None:
        return GROUPS.get(group) if group != "new" else {}


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def service(make_service: MakeService, kept: Kept) -> Service:
    return make_service(actions=pause_actions(Pauses(kept, Steered()), Consumed()), dashboard_actions=True)


async def act(service: Service, what: str, **body: object) -> httpx.Response:
    return await service.http.post(f"/dashboard/api/partitions/{what}", json=body, headers=ACT)


async def test_one_partition_is_paused_and_resumed(service: Service, kept: Kept) -> None:
    paused = await act(service, "pause", group="g", topic="t", partition=1, reason="a bad deploy")
    row = {"topic": "t", "partition": 1, "paused_by": "operator@127.0.0.1"}
    assert (paused.status_code, paused.json()) == (200, {"partitions": [row], "kept": True, "detail": None})
    assert kept.remembered("pause/g/t/1")["pause/g/t/1"]["reason"] == "a bad deploy"
    resumed = await act(service, "resume", group="g", topic="t", partition=1)
    assert resumed.json()["partitions"] == [row | {"paused_by": None}]
    assert not kept.remembered("pause/")


async def test_without_a_partition_the_whole_topic_is_meant(service: Service, kept: Kept) -> None:
    rows = (await act(service, "pause", group="g", topic="t")).json()["partitions"]
    assert [row["partition"] for row in rows] == [0, 1, 2]
    assert len(kept.remembered("pause/g/t/")) == 3
    audit = (await service.http.get("/dashboard/api/audit")).json()["audit"]
    assert (audit[0]["action"], audit[0]["target"]) == ("partitions.pause", "g t-*")


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"group": "h", "topic": "t"}, "no consumer group h"),
        ({"group": "g", "topic": "v"}, "does not consume a topic v"),
        ({"group": "g", "topic": "t", "partition": 3}, "partitions 0 to 2, not 3"),
    ],
)
async def test_what_does_not_exist_is_404_and_named(service: Service, body: dict[str, object], detail: str) -> None:
    for what in ("pause", "resume"):
        response = await act(service, what, **body)
        assert (response.status_code, response.json()["code"]) == (404, "not_found")
        assert detail in response.json()["detail"]


async def test_before_kafka_has_answered_it_is_503(service: Service) -> None:
    assert (await act(service, "pause", group="new", topic="t")).json()["code"] == "broker_unavailable"


@pytest.mark.parametrize("partition", [-1, 2**31, "1", 1.5])
async def test_what_is_no_partition_is_422(service: Service, partition: object) -> None:
    response = await act(service, "pause", group="g", topic="t", partition=partition)
    assert (response.status_code, response.json()["errors"][0]["path"]) == (422, "partition")


async def test_the_answer_says_where_it_is_not_kept(service: Service, kept: Kept) -> None:
    kept.why_local = "the in-memory broker keeps nothing"
    document = (await act(service, "pause", group="g", topic="t", partition=0)).json()
    assert (document["kept"], document["detail"]) == (
        False,
        "for the life of this process only: the in-memory broker keeps nothing",
    )
