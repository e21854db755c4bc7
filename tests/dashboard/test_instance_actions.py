"""Quieting and stopping this instance from the dashboard."""

from __future__ import annotations

import httpx
import pytest

from app.dashboard.instance_actions import instance_actions
from app.events import Monitor
from app.fleet.alone import Alone
from tests.api.conftest import MakeService
from tests.api.service import Service
from tests.dashboard.conftest import ACT
from tests.fleet.reports import report

NAME = "host:1:ab"


class Process:
    """Remembers what it was told; `own` is whether it can be stopped."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.own = True

    def quiet(self) -> None:
        self.told.append("quiet")

    def ask_to_stop(self) -> bool:
        self.told.append("stop")
        return self.own


@pytest.fixture
def process() -> Process:
    return Process()


@pytest.fixture
def service(make_service: MakeService, process: Process) -> Service:
    fleet = Alone(NAME, "it is alone", lambda: report(NAME), lambda _: False, Monitor())
    return make_service(actions=instance_actions(fleet, process), dashboard_actions=True)


async def act(service: Service, what: str, instance: str = NAME, confirm: str | None = None) -> httpx.Response:
    body = {"confirm": instance if confirm is None else confirm}
    return await service.http.post(f"/dashboard/api/instances/{instance}/{what}", json=body, headers=ACT)


@pytest.mark.parametrize("what", ["quiet", "stop"])
async def test_it_is_begun_and_audited(service: Service, process: Process, what: str) -> None:
    response = await act(service, what)
    assert (response.status_code, response.json()) == (202, {"command": what, "status": "begun"})
    assert process.told == [what]
    (row,) = (await service.http.get("/dashboard/api/audit")).json()["audit"]
    assert (row["action"], row["target"], row["outcome"]) == (f"instance.{what}", NAME, "done")


async def test_the_name_must_be_confirmed(service: Service, process: Process) -> None:
    response = await act(service, "stop", confirm="host:1:abc")
    assert (response.status_code, response.json()["errors"][0]["path"]) == (422, "confirm")
    assert process.told == []


async def test_an_instance_that_is_not_known_is_404(service: Service, process: Process) -> None:
    response = await act(service, "stop", instance="other:2:cd")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert "it is alone" in response.json()["detail"]
    assert process.told == []


async def test_a_process_of_another_server_is_not_stopped(service: Service, process: Process) -> None:
    process.own = False
    response = await act(service, "stop")
    assert (response.status_code, response.json()["code"]) == (409, "conflict")


async def test_a_quiet_instance_can_still_be_stopped(service: Service, process: Process) -> None:
    service.state.advance("quieting")
    assert (await act(service, "quiet")).status_code == 503
    assert (await act(service, "stop")).status_code == 202
