"""Streams end when they should: when their viewer leaves, at the drain, after their time."""

from __future__ import annotations

import asyncio
import time

import pytest

from app.dashboard import event_stream
from app.dashboard.event_stream import Events, event
from app.events import LoopLagMeasured, Monitor
from tests.api.conftest import MakeService
from tests.api.key_files import KeyFile
from tests.api.service import Service
from tests.dashboard.viewer import Viewer
from tests.waiting import until


async def test_the_first_document_comes_at_once(service: Service) -> None:
    viewer = Viewer(service, "/dashboard?refresh=10")
    first = (await viewer.until_events(1, timeout_s=5))[0]
    assert viewer.status == 200
    assert (first.name, first.data["schema_version"]) == ("document", 1)
    await viewer.leave()


async def test_the_drain_ends_every_stream_with_an_event(service: Service) -> None:
    viewers = [Viewer(service, path) for path in ("/dashboard", "/dashboard/api/me")]
    for viewer in viewers:
        await viewer.until_events(1)
    service.application.admission.refuse_new_calls()
    for viewer in viewers:
        await asyncio.wait_for(viewer.call, 5)
        assert viewer.events[-1] == ("end", {})
        assert viewer.ended


async def test_a_viewer_who_comes_during_the_drain_is_sent_away(service: Service) -> None:
    service.application.admission.refuse_new_calls()
    viewer = Viewer(service, "/dashboard")
    await asyncio.wait_for(viewer.call, 5)
    assert viewer.events[-1].name == "end"


async def test_a_viewer_who_left_leaves_nothing_behind(service: Service) -> None:
    before = asyncio.all_tasks()
    viewer = Viewer(service, "/dashboard")
    await viewer.until_events(1)
    await viewer.leave()
    assert not viewer.ended
    assert asyncio.all_tasks() <= before


async def test_a_viewer_who_does_not_read_does_not_hold_up_the_drain(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "END_S", 0.05)
    viewer = Viewer(service, "/dashboard")
    await viewer.until_events(1)
    stuck = asyncio.Event()

    async def never(*_: object) -> None:
        await stuck.wait()

    monkeypatch.setattr(event_stream, "_write", never)
    service.application.admission.refuse_new_calls()
    await asyncio.wait_for(viewer.call, 5)


async def test_a_viewer_who_takes_nothing_is_left(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "STALL_S", 0.02)
    monkeypatch.setattr(event_stream, "END_S", 0.02)
    viewer = Viewer(service, "/dashboard?refresh=2")
    viewer.reads.clear()
    await asyncio.wait_for(viewer.call, 5)
    assert not viewer.ended


async def test_a_silent_stream_is_kept_alive_by_comments(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "KEEP_ALIVE_S", 0.01)
    viewer = Viewer(service, "/dashboard?refresh=10")
    await until(lambda: viewer.text.count(": still here\n\n") >= 3, "comments")
    assert [found.name for found in viewer.events[:1]] == ["document"]
    await viewer.leave()


async def test_a_stream_ends_after_its_time_so_that_the_viewer_is_let_in_anew(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "MAX_LIFE_S", 0.05)
    viewer = Viewer(service, "/dashboard?refresh=10")
    await asyncio.wait_for(viewer.call, 5)
    assert viewer.ended
    assert "end" not in [found.name for found in viewer.events]
    assert viewer.text.startswith("retry: 1000\n\n")


async def test_too_many_streams_are_refused(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_stream, "MAX_STREAMS", 2)
    viewers = [Viewer(service, "/dashboard") for _ in range(2)]
    for viewer in viewers:
        await viewer.until_events(1)
    refused = await service.http.get("/dashboard", headers={"accept": "text/event-stream"})
    assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
    await viewers[0].leave()
    another = Viewer(service, "/dashboard")
    await another.until_events(1)
    await another.leave()
    await viewers[1].leave()


async def test_a_stream_counts_as_answered_when_it_begins(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    answered: list[float] = []
    monkeypatch.setattr(service.metrics, "request_answered", lambda *facts: answered.append(facts[3]))
    began = time.perf_counter()
    viewer = Viewer(service, "/dashboard?refresh=2")
    await viewer.until_events(1)
    seen_after_s = time.perf_counter() - began
    await viewer.until_events(2)
    await viewer.leave()
    assert answered[0] <= seen_after_s


async def test_head_of_a_stream_is_its_head_only(service: Service) -> None:
    answer = await service.http.head("/dashboard", headers={"accept": "text/event-stream"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")


async def test_a_stream_ends_when_the_keys_change_and_a_key_that_is_gone_is_not_let_in_again(
    make_service: MakeService, key_file: KeyFile
) -> None:
    key_file.write({"reader": {"roles": ["read"]}, "other": {"roles": ["read"]}})
    service = make_service(http_api_keys_file=str(key_file.path))
    viewer = Viewer(service, "/dashboard?refresh=2", secret=key_file.secrets["reader"])
    await viewer.until_events(1)
    key_file.write({"other": {"roles": ["read"]}})
    service.monitor.emit(LoopLagMeasured(0.0))
    await until(lambda: viewer.ended, "the stream has ended")
    assert "event: end" not in viewer.text
    again = Viewer(service, "/dashboard?refresh=2", secret=key_file.secrets["reader"])
    await until(lambda: again.ended, "it is refused")
    assert again.status == 401


async def test_events_that_end_by_themselves_end_the_answer(service: Service) -> None:
    async def events() -> Events:
        yield event("message", b"1")
        yield event("message", b"2")

    streams = event_stream.Streams(asyncio.Event(), Monitor())
    sent: list[bytes] = []

    async def receive() -> dict[str, object]:
        await asyncio.Event().wait()
        return {}

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        sent.append(message.get("body", b""))

    await asyncio.wait_for(streams.response(events(), ())({}, receive, send), 5)
    assert b"".join(sent).endswith(b"event: message\ndata: 1\n\nevent: message\ndata: 2\n\n")
    assert streams.open == 0
