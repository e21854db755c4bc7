"""Messages of topics over HTTP, on a real Kafka."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator

import pytest

from app.kafka.admin.protocol import NewTopic
from app.messages import TopicPartition
from tests.dashboard.real_service import RealService, real_service
from tests.dashboard.viewer import Viewer
from tests.waiting import until

WAIT_S = 10.0


@pytest.fixture
async def running(kafka: str) -> AsyncIterator[RealService]:
    async with real_service(kafka, dashboard_masked_topics="secret-*, other") as service:
        yield service


async def new_topic(running: RealService, prefix: str = "t", partitions: int = 2) -> str:
    topic = f"{prefix}-{uuid.uuid4().hex[:10]}"
    await running.service.services.admin.create_topic(NewTopic(topic, partitions), timeout_s=WAIT_S)
    await known(running, topic)
    return topic


async def known(running: RealService, topic: str) -> None:
    """Returns when the service knows the topic."""

    async def is_known() -> bool:
        return topic in await running.service.services.cluster.refresh(timeout_s=WAIT_S)

    await until(is_known, f"{topic} is known")


def values(page: dict[str, list[dict[str, dict[str, str]]]]) -> list[int]:
    return [json.loads(message["value"]["text"])["n"] for message in page["messages"]]


async def test_pages_lead_from_the_newest_to_the_oldest_and_back(running: RealService) -> None:
    topic = await new_topic(running)
    await running.produce(topic, *({"n": number} for number in range(10)))
    path = f"/dashboard/api/topics/{topic}/messages"
    page = await running.get(path, limit=4)
    assert values(page) == [9, 8, 7, 6]
    assert page["ended"] == "limit"
    assert page["scanned"]["partitions"] == 2
    second = await running.get(path, limit=4, before=page["older"])
    assert values(second) == [5, 4, 3, 2]
    assert values(await running.get(path, limit=4, after=second["newer"])) == [9, 8, 7, 6]
    last = await running.get(path, limit=4, before=second["older"])
    assert values(last) == [1, 0]
    assert (last["ended"], last["older"]) == ("end", None)
    assert values(await running.get(path, from_="oldest", limit=3)) == [0, 1, 2]


async def test_a_message_is_shown_with_everything_that_it_has(running: RealService) -> None:
    topic = await new_topic(running)
    payload = '{"price":1.10,"id":12345678901234567890}'
    await running.http.post(f"/produce/{topic}", content=payload.encode())
    body: dict[str, object] = {
        "topic": topic,
        "payload": None,
        "key": "k",
        "headers": {"h": "v"},
        "partition": 1,
        "timestamp": 1000,
    }
    assert (await running.http.post("/produce", json=body)).status_code == 200
    found = (await running.get(f"/dashboard/api/topics/{topic}/messages"))["messages"]
    shown = {message["value"]["form"]: message for message in found}
    assert shown["json"]["value"]["text"] == '{\n  "price": 1.10,\n  "id": 12345678901234567890\n}'
    assert shown["json"]["timestamp_type"] == "create"
    one = await running.get(
        f"/dashboard/api/topics/{topic}/messages/{shown['json']['partition']}/{shown['json']['offset']}"
    )
    assert one["value"] == shown["json"]["value"]
    assert (one["previous"], one["next"]) == (None, None)


async def test_long_payloads_are_cut_in_lists_and_whole_alone(running: RealService) -> None:
    topic = await new_topic(running, partitions=1)
    await running.produce(topic, {"text": "x" * 50_000})
    (listed,) = (await running.get(f"/dashboard/api/topics/{topic}/messages"))["messages"]
    assert (listed["value"]["truncated"], len(listed["value"]["text"])) == (True, 2048)
    alone = await running.get(f"/dashboard/api/topics/{topic}/messages/0/0")
    assert not alone["value"]["truncated"]
    assert len(alone["value"]["text"]) > 50_000


async def test_a_search_finds_and_counts(running: RealService) -> None:
    topic = await new_topic(running)
    await running.produce(topic, *({"n": number, "name": f"name-{number}"} for number in range(20)))
    page = await running.get(f"/dashboard/api/topics/{topic}/messages", in_="value", search="NAME-1")
    assert values(page) == [19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 1]
    assert page["scanned"]["messages"] == 20


async def test_what_is_masked_leaves_the_service_as_sizes_only(running: RealService) -> None:
    topic = await new_topic(running, "secret", partitions=1)
    body = {"topic": topic, "payload": {"pin": "hunter2"}, "key": "hunter2", "headers": {"h": "hunter2"}}
    assert (await running.http.post("/produce", json=body)).status_code == 200
    path = f"/dashboard/api/topics/{topic}/messages"
    answers = [await running.http.get(path), await running.http.get(f"{path}/0/0")]
    for answer in answers:
        assert answer.status_code == 200
        assert "hunter2" not in answer.text
    page = answers[0].json()
    assert page["masked"]
    assert page["messages"][0]["value"] == {"form": "masked", "text": None, "bytes": 17, "truncated": False}
    assert (await running.get(path, 403, search="hunter2"))["code"] == "masked_topic"
    tail = await running.http.get(
        f"/dashboard/api/topics/{topic}/tail", params={"search": "x"}, headers={"accept": "text/event-stream"}
    )
    assert tail.json()["code"] == "masked_topic"


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ({"limit": "0"}, "query.limit"),
        ({"limit": "501"}, "query.limit"),
        ({"from": "middle"}, "query.from"),
        ({"from": "offset"}, "query.offset"),
        ({"from": "timestamp", "timestamp": "soon"}, "query.timestamp"),
        ({"from": "newest", "offset": "1"}, "query.offset"),
        ({"before": "x"}, "query.before"),
        ({"before": "x", "after": "y"}, "query.after"),
        ({"in": "colour"}, "query.in"),
        ({"isolation": "none"}, "query.isolation"),
        ({"colour": "red"}, "query.colour"),
    ],
)
async def test_a_bad_parameter_is_named(running: RealService, query: dict[str, str], place: str) -> None:
    topic = await new_topic(running)
    found = await running.get(f"/dashboard/api/topics/{topic}/messages", 400, **query)
    assert place in {error["path"] for error in found["errors"]}


async def test_what_is_not_there_is_not_found(running: RealService) -> None:
    topic = await new_topic(running)
    messages = f"/dashboard/api/topics/{topic}/messages"
    assert (await running.get("/dashboard/api/topics/nowhere/messages", 404))["code"] == "unknown_topic"
    assert (await running.get(messages, 404, partition=9))["code"] == "not_found"
    assert (await running.get(f"{messages}/0/0", 404))["code"] == "not_found"
    assert (await running.get(f"{messages}/zero/0", 404))["code"] == "not_found"
    await running.service.services.admin.alter_offsets(f"g-{topic}", {TopicPartition(topic, 0): 0}, timeout_s=WAIT_S)
    await known(running, "__consumer_offsets")
    assert (await running.get("/dashboard/api/topics/__consumer_offsets/messages", 403))["code"] == "internal_topic"


async def test_a_time_may_be_written_in_both_ways(running: RealService) -> None:
    topic = await new_topic(running, partitions=1)
    for number, at in enumerate((1_000, 2_000, 3_000)):
        body = {"topic": topic, "payload": {"n": number}, "timestamp": at + 1_700_000_000_000}
        assert (await running.http.post("/produce", json=body)).status_code == 200
    path = f"/dashboard/api/topics/{topic}/messages"
    for written in ("1700000002000", "2023-11-14T22:13:22Z", "2023-11-14T23:13:22+01:00"):
        assert values(await running.get(path, from_="timestamp", timestamp=written)) == [1, 2]


async def test_a_tail_shows_what_comes(running: RealService) -> None:
    topic = await new_topic(running)
    viewer = Viewer(running, f"/dashboard/api/topics/{topic}/tail?search=needle")  # type: ignore[arg-type]
    assert await viewer.until_events(1) == [("begin", {"offsets": {"0": 0, "1": 0}})]
    await running.produce(topic, {"n": 1, "x": "hay"}, {"n": 2, "x": "needle"})
    message = (await viewer.until_events(2))[1]
    assert (message.name, json.loads(message.data["value"]["text"])["n"]) == ("message", 2)
    await viewer.leave()
    explorer = running.service.services.explorer
    await until(lambda: explorer._tails == 0, "the tail is closed")


async def test_a_caller_who_leaves_stops_the_search(running: RealService) -> None:
    topic = await new_topic(running)
    await running.produce(topic, *range(20))
    path = f"/dashboard/api/topics/{topic}/messages?search=nothing"
    explorer = running.service.services.explorer
    for _ in range(20):
        viewer = Viewer(running, path, accept="application/json")  # type: ignore[arg-type]
        await asyncio.sleep(0)
        await viewer.leave()
    assert explorer._looks == 0
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("attended")]


async def test_more_looks_than_may_be_at_once_are_told_to_wait(running: RealService) -> None:
    topic = await new_topic(running)
    asked = (running.http.get(f"/dashboard/api/topics/{topic}/messages") for _ in range(8))
    answers = await asyncio.gather(*asked)
    codes = {answer.status_code for answer in answers}
    assert codes == {200, 503}
    refused = next(answer for answer in answers if answer.status_code == 503)
    assert refused.json()["code"] == "overloaded"
    assert refused.headers["retry-after"] == "1"
