"""Who may act from the dashboard and in which form, and what is kept of it."""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx
import pytest

from app.api.problems import Refusal
from app.dashboard.action_bodies import MAX_BYTES, ActionBody
from app.dashboard.actions import OFF, Action, Answer, Asked
from app.errors import KafkaUnavailable
from app.events import OperatorActed
from tests.api.conftest import MakeService
from tests.api.key_files import KeyFile
from tests.api.service import ORIGIN, Service
from tests.dashboard.conftest import ACT

PATH = "/dashboard/api/things/{thing}/turn"


class Turn(ActionBody):
    degrees: int
    preview: bool = False


class Nothing(ActionBody):
    pass


class Things:
    """Turns what it is told to."""

    def __init__(self) -> None:
        self.turned: list[tuple[str, str, int]] = []

    async def turn(self, asked: Asked[Turn]) -> Answer:
        degrees = asked.body.degrees
        if degrees == 0:
            raise Refusal("conflict", "It stands there already")
        if degrees == 999:
            raise KafkaUnavailable("No broker answered")
        self.turned.append((asked.by, asked.path["thing"], degrees))
        return Answer({"degrees": degrees}, 202, f"by {degrees}", acted=not asked.body.preview)

    async def drop(self, asked: Asked[Nothing]) -> Answer:
        self.turned.clear()
        return Answer({})

    @property
    def actions(self) -> list[Action[Any]]:
        turn: Action[Turn] = Action("things.turn", PATH, Turn, self.turn, lambda asked: asked.path["thing"])
        drop: Action[Nothing] = Action(
            "things.drop", PATH, Nothing, self.drop, lambda asked: "all", method="DELETE", while_quiet=True
        )
        return [turn, drop]


@pytest.fixture
def things() -> Things:
    return Things()


@pytest.fixture
def acting(make_service: MakeService, things: Things) -> Service:
    """A service without keys in which everybody may act."""
    return make_service(actions=things.actions, dashboard_actions=True)


async def turn(service: Service, body: Any = None, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps({"degrees": 90} if body is None else body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await service.http.post(PATH.format(thing="knob"), content=content, headers=ACT | named)


async def audit(service: Service) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await service.http.get("/dashboard/api/audit")).json()["audit"]
    return rows


async def test_without_keys_nobody_may_act_until_the_setting_says_so(
    make_service: MakeService, things: Things, acting: Service
) -> None:
    closed = make_service(actions=things.actions)
    refused = await turn(closed)
    assert (refused.status_code, refused.json()["code"], refused.json()["detail"]) == (403, "forbidden", OFF)
    assert "DASHBOARD_ACTIONS=true" in OFF
    assert closed.guard.why_not(None) == OFF
    assert (await turn(acting)).json() == {"degrees": 90}
    assert acting.guard.why_not(None) is None
    assert things.turned == [("operator@127.0.0.1", "knob", 90)]


async def test_with_keys_only_the_role_admin_may_act_whatever_the_setting_says(
    make_service: MakeService, key_file: KeyFile, things: Things
) -> None:
    key_file.write({"reader": {"roles": ["read", "produce"]}, "boss": {"roles": ["admin"]}})
    service = make_service(actions=things.actions, http_api_keys_file=str(key_file.path), dashboard_actions=True)
    assert (await turn(service)).status_code == 401
    refused = await turn(service, **key_file.bearer("reader"))
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert "role admin" in refused.json()["detail"]
    assert (await turn(service, **key_file.bearer("boss"))).status_code == 202
    assert things.turned == [("boss", "knob", 90)]
    keys = service.application.admission._keys
    assert keys is not None
    assert service.guard.why_not(keys._keys["reader"]) == refused.json()["detail"]
    assert service.guard.why_not(keys._keys["boss"]) is None


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 202),
        ({"origin": ORIGIN}, 202),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "https://shop.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": ORIGIN, "sec_fetch_site": "same-origin"}, 202),
        ({"sec_fetch_site": "none"}, 202),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"origin": ORIGIN, "sec_fetch_site": "same-site"}, 403),
    ],
)
async def test_only_pages_of_the_same_origin_may_act_also_where_others_may_produce(
    make_service: MakeService, things: Things, headers: dict[str, str], status: int
) -> None:
    service = make_service(actions=things.actions, dashboard_actions=True, http_cors_origins="https://shop.example")
    assert (await turn(service, **headers)).status_code == status
    assert len(things.turned) == (status == 202)


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/json;charset=latin1"]
)
async def test_what_a_form_could_send_is_refused(acting: Service, content_type: str) -> None:
    response = await turn(acting, content_type=content_type)
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("body", "path", "message"),
    [
        ({}, "degrees", "is required"),
        ({"degrees": 1, "speed": 2}, "speed", "is not known"),
        ({"degrees": "1"}, "degrees", "input should be a valid integer"),
        ({"degrees": True}, "degrees", "input should be a valid integer"),
        (b'{"degrees":1,"degrees":2}', "degrees", "is given more than once"),
        ([], "", "must be a JSON object"),
    ],
)
async def test_a_fault_is_told_with_its_path(
    acting: Service, things: Things, body: Any, path: str, message: str
) -> None:
    response = await turn(acting, body)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_action")
    assert response.json()["errors"] == [{"path": path, "message": message}]
    assert things.turned == []


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 600, b'{"degrees":NaN}'])
async def test_what_is_not_json_is_400(acting: Service, body: bytes) -> None:
    response = await turn(acting, body)
    assert (response.status_code, response.json()["code"]) == (400, "malformed_json")


async def test_a_body_is_bounded_packed_or_not(acting: Service) -> None:
    large = b'{"degrees": 1' + b" " * MAX_BYTES + b"}"
    assert (await turn(acting, large)).status_code == 413
    packed = await turn(acting, gzip.compress(large), content_encoding="gzip")
    assert (packed.status_code, packed.json()["code"]) == (413, "body_too_large")
    assert (await turn(acting, gzip.compress(b'{"degrees": 1}'), content_encoding="gzip")).status_code == 202


async def test_an_action_without_fields_needs_no_body_where_no_form_can_send_it(acting: Service) -> None:
    path = PATH.format(thing="knob")
    assert (await acting.http.delete(path)).status_code == 200
    assert (await acting.http.request("DELETE", path, content=b"{}", headers=ACT)).status_code == 200
    assert (
        await acting.http.request("DELETE", path, content=b"a=b", headers={"content-type": "text/plain"})
    ).status_code == 415


async def test_an_instance_that_stops_takes_only_what_it_still_can(acting: Service) -> None:
    acting.state.advance("quieting")
    refused = await turn(acting)
    assert (refused.status_code, refused.json()["code"]) == (503, "draining")
    assert refused.headers["retry-after"]
    assert (await acting.http.delete(PATH.format(thing="knob"))).status_code == 200


async def test_what_was_done_refused_and_failed_is_kept_logged_and_counted(
    acting: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "demijohn")
    assert (await turn(acting)).status_code == 202
    assert (await turn(acting, {"degrees": 0})).status_code == 409
    unavailable = await turn(acting, {"degrees": 999})
    assert (unavailable.status_code, unavailable.json()["code"]) == (503, "broker_unavailable")
    assert (await turn(acting, {"degrees": 1, "preview": True})).status_code == 202
    assert (await turn(acting, {})).status_code == 422
    rows = await audit(acting)
    assert [(row["outcome"], row["detail"]) for row in rows] == [
        ("failed", "No broker answered"),
        ("refused", "It stands there already"),
        ("done", "by 90"),
    ]
    assert rows[0].keys() == {"at", "by", "action", "target", "outcome", "detail"}
    assert {(row["by"], row["action"], row["target"]) for row in rows} == {
        ("operator@127.0.0.1", "things.turn", "knob")
    }
    assert "things.turn done by operator@127.0.0.1 on knob: by 90" in caplog.text
    metrics = (await acting.http.get("/metrics")).text
    assert 'demijohn_operator_actions_total{action="things.turn",outcome="refused"} 1.0' in metrics


async def test_the_last_two_hundred_actions_are_kept(acting: Service) -> None:
    for number in range(250):
        acting.monitor.emit(OperatorActed("boss", "things.turn", f"knob {number}", "done"))
    rows = await audit(acting)
    assert (len(rows), rows[0]["target"], rows[-1]["target"]) == (200, "knob 249", "knob 50")
