"""Sending a partition elsewhere from the dashboard."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from app.consumer import SeekTarget
from app.consuming.seeking import Sought
from app.dashboard.seek_action import LATEST_MS, PLACES, seek_action, seek_target, sought_document
from app.errors import CommandRefused, SeekFailed
from app.fleet.view import Answer, Command, Execute, Owner
from app.messages import TopicPartition
from tests.api.conftest import MakeService
from tests.api.service import Service
from tests.dashboard.conftest import ACT
from tests.dashboard.test_pause_actions import Consumed

MINE = TopicPartition("t", 1)


class Seeks:
    """Owns t-1 of g, which goes from 8 to wherever it is sent."""

    def __init__(self) -> None:
        self.asked: list[tuple[SeekTarget, bool]] = []

    async def seek(self, group: str, at: TopicPartition, target: SeekTarget, *, preview: bool) -> Sought | None:
        if at != MINE:
            return None
        if target == 99:
            raise SeekFailed("t-1 has no offset 99: it has 0 to 12")
        self.asked.append((target, preview))
        return Sought(8, 3, 0, 12, applied=not preview)


@pytest.fixture
def seeks() -> Seeks:
    return Seeks()


class Another:
    """A fleet in which another instance has what this one has not; it serves itself what it is sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[object, Command]] = []
        self.answer = Answer("", "done", "b", result=sought_document(Sought(1, 2, 0, 9, applied=True)))
        self.served: dict[str, Execute] = {}

    def serve(self, name: str, execute: Execute) -> None:
        self.served[name] = execute

    async def send(self, to: object, command: Command) -> Answer:
        self.sent.append((to, command))
        return self.answer


@pytest.fixture
def fleet() -> Another:
    return Another()


@pytest.fixture
def service(make_service: MakeService, seeks: Seeks, fleet: Another) -> Service:
    action = seek_action(seeks, Consumed(), fleet)  # type: ignore[arg-type]  # of a fleet only this much is asked
    return make_service(actions=[action], dashboard_actions=True)


async def seek(service: Service, to: object, **more: object) -> httpx.Response:
    body = {"group": "g", "topic": "t", "partition": 1, "to": to, **more}
    return await service.http.post("/dashboard/api/partitions/seek", json=body, headers=ACT)


async def test_a_preview_tells_old_and_new_and_is_not_audited(service: Service, seeks: Seeks) -> None:
    document = (await seek(service, {"offset": 3}, preview=True)).json()
    assert document == {
        "old": 8,
        "new": 3,
        "beginning": 0,
        "end": 12,
        "again": 5,
        "skipped": 0,
        "applied": False,
        "waiting": False,
    }
    assert seeks.asked == [(3, True)]
    assert (await service.http.get("/dashboard/api/audit")).json()["audit"] == []


async def test_a_seek_is_applied_and_audited(service: Service) -> None:
    assert (await seek(service, {"offset": 3})).json()["applied"] is True
    (row,) = (await service.http.get("/dashboard/api/audit")).json()["audit"]
    assert (row["action"], row["target"], row["detail"]) == (
        "partitions.seek",
        "g t-1",
        "from 8 to 3, 5 again, 0 skipped",
    )


@pytest.mark.parametrize(
    ("to", "target"),
    [
        ("earliest", "earliest"),
        ("latest", "latest"),
        ({"offset": 0}, 0),
        ({"timestamp": 1_700_000_000_123}, datetime(2023, 11, 14, 22, 13, 20, 123000, UTC)),
    ],
)
async def test_every_kind_of_place_is_understood(service: Service, seeks: Seeks, to: Any, target: SeekTarget) -> None:
    assert (await seek(service, to)).status_code == 200
    assert seeks.asked == [(target, False)]


@pytest.mark.parametrize(
    "to",
    [
        None,
        "newest",
        3,
        {},
        {"offset": -1},
        {"offset": True},
        {"offset": 1.5},
        {"offset": "3"},
        {"offset": 2**63},
        {"timestamp": LATEST_MS + 1},
        {"offset": 1, "timestamp": 2},
        {"time": 1},
        [],
    ],
)
async def test_what_is_no_place_is_422(service: Service, to: Any) -> None:
    response = await seek(service, to)
    assert (response.status_code, response.json()["errors"]) == (422, [{"path": "to", "message": PLACES}])


async def test_a_place_that_the_partition_does_not_have_is_422_and_says_which_it_has(service: Service) -> None:
    response = await seek(service, {"offset": 99})
    assert (response.status_code, response.json()["code"]) == (422, "invalid_action")
    assert response.json()["errors"] == [{"path": "to", "message": "t-1 has no offset 99: it has 0 to 12"}]


@pytest.mark.parametrize("to", ["latest", {"offset": 7}, {"timestamp": 1_700_000_000_123}])
async def test_a_partition_of_another_instance_is_sent_there(
    service: Service, seeks: Seeks, fleet: Another, to: Any
) -> None:
    response = await seek(service, to, partition=0)
    assert (response.status_code, response.json()["new"]) == (200, 2)
    ((owner, command),) = fleet.sent
    assert (owner, command.name, command.by) == (Owner("g", "t", 0), "seek", "operator@127.0.0.1")
    assert command.arguments["to"] == to
    with pytest.raises(CommandRefused, match="t-0 of group g is not assigned here"):
        await fleet.served["seek"](command)
    own = Command("seek", "ann", {**command.arguments, "partition": 1})
    assert (await fleet.served["seek"](own))["old"] == 8
    assert seeks.asked == [(seek_target(to), False)]
    for arguments in ({**own.arguments, "to": {"offset": 99}}, {"group": "g"}):
        with pytest.raises(CommandRefused):
            await fleet.served["seek"](Command("seek", "ann", arguments))


async def test_where_nobody_has_done_it_is_409_with_the_reason(service: Service, fleet: Another) -> None:
    fleet.answer = Answer("", "no_answer", detail="Only this instance can be reached")
    response = await seek(service, "earliest", partition=0)
    assert (response.status_code, response.json()["code"]) == (409, "conflict")
    assert "t-0 of group g is not assigned to this instance" in response.json()["detail"]
    assert "Only this instance can be reached" in response.json()["detail"]
