"""The composition root: the whole service on a real Kafka, in this process and under another's ASGI server."""

from __future__ import annotations

import asyncio
import json
import signal
import uuid
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from app.errors import ConfigurationError
from app.events import (
    Event,
    GroupStateChanged,
    OffsetsCommitted,
    ProducerClosed,
    ProducerClosing,
    ServiceStateChanged,
    TopicCreated,
)
from app.kafka.embedded.jars import resolve_jars
from app.main import Service, build, create_app
from app.routes.loading import load_table
from tests.conftest import make_settings
from tests.service_process import free_port, service
from tests.waiting import until

TABLE = """
from app.consumer import Consumer
from app.routes import DeadLetter, Routes


class Printing(Consumer):
    async def consume(self) -> None:
        for message in self.messages:
            print("consumed", message.payload, flush=True)


def draw(routes: Routes) -> None:
    with routes.group("{topic}") as group:
        group.topic("{topic}", Printing, dead_letter=DeadLetter("{topic}.dlq"))
"""


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """A topic of a name that nobody has used, and the import path of a table that prints its payloads."""
    topic = f"main-{uuid.uuid4().hex[:10]}"
    module = f"table_{topic.replace('-', '_')}"
    (tmp_path / f"{module}.py").write_text(TABLE.format(topic=topic))
    monkeypatch.syspath_prepend(tmp_path)
    return topic, f"{module}:draw"


def remembering(made: Service) -> list[str]:
    """What happens to `made` from now on, in words."""
    told: list[str] = []
    kinds: dict[type[Event], Callable[..., str]] = {
        ServiceStateChanged: lambda event: event.state,
        GroupStateChanged: lambda event: f"group {event.state}",
        OffsetsCommitted: lambda _: "committed",
        ProducerClosing: lambda _: "producer closing",
        ProducerClosed: lambda _: "producer closed",
        TopicCreated: lambda event: f"created {event.topic}",
    }
    for kind in kinds:
        made.monitor.subscribe(kind, lambda event: told.append(kinds[type(event)](event)))
    return told


async def test_it_starts_and_stops_in_order(kafka: str, table: tuple[str, str]) -> None:
    topic, routes = table
    settings = make_settings(kafka, routes=routes, kafka_create_topics=True)
    made = Service(settings, load_table(settings))
    told = remembering(made)
    application = build(made)
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:3000") as client:
        await made.start()

        async def ready() -> bool:
            return (await client.get("/health/ready")).status_code == 200

        await until(ready, "it is ready")
        sent = await client.post("/produce", json={"topic": topic, "payload": 7})
        assert (sent.status_code, sent.json()["offset"]) == (200, 0)
        await until(lambda: "committed" in told, "the message was consumed and committed")
        ending = await made.stop()
        assert (await client.post("/produce", json={"topic": topic, "payload": 8})).status_code == 503
    assert (ending.exit_code, ending.cut_jobs, dict(ending.undelivered or {})) == (0, (), {})
    beside = {f"created {'demijohn_states'}"}  # the first of all tests on a Kafka makes it
    assert [word for word in told if not word.startswith("group") and word not in beside] == [
        "starting",
        f"created {topic}",
        f"created {topic}.dlq",
        "running",
        "committed",
        "quieting",
        "quiet",
        "stopping",
        "producer closing",
        "producer closed",
        "stopped",
    ]
    assert told.index("group stopped") < told.index("producer closing")
    assert await made.stop() is ending


async def test_it_leaves_no_task_behind(kafka: str, table: tuple[str, str]) -> None:
    before = asyncio.all_tasks()
    settings = make_settings(kafka, routes=table[1], kafka_create_topics=True)
    made = Service(settings, load_table(settings))
    build(made)
    await made.start()
    await until(lambda: made.lifecycle.state == "running", "it runs")
    await made.stop()
    left = asyncio.all_tasks() - before
    if left:
        await asyncio.wait(left, timeout=1)
    assert not [task for task in left if not task.done()]


@pytest.mark.parametrize(("client", "kept"), [("recording", ["hello"]), ("dropping", [])])
async def test_produced_messages_are_kept_or_dropped_where_the_settings_say_so(
    kafka: str, table: tuple[str, str], client: str, kept: list[str]
) -> None:
    topic, draw = table
    settings = make_settings(kafka, routes=draw, http_port=0, producer_client=client)
    application = create_app(settings)
    transport = httpx.ASGITransport(application)
    async with (
        application.router.lifespan_context(application),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http,
    ):
        answer = await http.post("/produce", json={"topic": topic, "payload": "hello"})
    assert answer.json().get("offset") == 0, answer.text
    assert [message.payload for message in application.state.recorded.of(topic)] == kept


async def test_it_can_be_stopped_before_it_has_started(kafka: str) -> None:
    settings = make_settings("127.0.0.1:1")
    made = Service(settings, load_table(settings))
    await made.start()
    async with asyncio.timeout(5):
        assert (await made.stop()).exit_code == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_runs_under_any_asgi_server(
    kafka: str, table: tuple[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    topic, routes = table
    port = free_port()
    arguments = ("--factory", "app.main:create_app", "--port", str(port))
    async with service(
        kafka, *arguments, program=("uvicorn",), draw=routes, cwd=tmp_path, http_port=port, kafka_create_topics=True
    ) as process:
        await process.until_ready()
        assert (await process.produce(topic, 42)).status_code == 200
        await process.until_logged("consumed 42")
        process.send(number)
        await process.ended(20)
    assert "Traceback" not in process.text
    assert "stopped" in process.text


async def test_bad_settings_are_refused_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PORT", "no")
    with pytest.raises(ConfigurationError, match="HTTP_PORT"):
        create_app()


async def test_every_line_of_the_log_is_json_where_that_is_asked(
    kafka: str, table: tuple[str, str], tmp_path: Path
) -> None:
    topic, routes = table
    async with service(kafka, draw=routes, cwd=tmp_path, log_format="json", kafka_create_topics=True) as process:
        await process.until_ready()
        assert (await process.produce(topic, 42)).status_code == 200
        await process.until_logged("consumed 42")
        process.send(signal.SIGTERM)
        assert await process.ended(20) == 0
    lines = [json.loads(line) for line in process.log if line != "consumed 42"]
    assert all({"at", "level", "message"} <= line.keys() for line in lines), lines[0]
    assert not [line for line in lines if line["level"] in ("error", "critical")], process.text


async def test_the_first_start_on_an_embedded_kafka_says_what_happens_and_nothing_alarming(
    table: tuple[str, str], tmp_path: Path
) -> None:
    topic, routes = table
    environment = {"DEMIJOHN_KAFKA_JARS": str(resolve_jars())}
    async with service("", draw=routes, cwd=tmp_path, environment=environment, kafka_embedded="apache") as process:
        await process.until_ready()
        assert (await process.produce(topic, 42)).status_code == 200
        await process.until_logged("consumed 42")
        process.send(signal.SIGTERM)
        assert await process.ended(30) == 0
    assert "Apache Kafka 4.1.0 as a child process, its data is kept under .demijohn/kafka" in process.text
    alarming = [line for line in process.log if " ERROR " in line or " WARNING " in line]
    assert alarming == [], process.text


async def test_the_in_memory_broker_is_named_for_what_it_is(table: tuple[str, str], tmp_path: Path) -> None:
    topic, routes = table
    async with service("", draw=routes, cwd=tmp_path, kafka_embedded="mock") as process:
        await process.until_ready()
        assert (await process.produce(topic, 42)).status_code == 200
        await process.until_logged("consumed 42")
        page = await process.client.get("/dashboard", headers={"accept": "application/json"})
        process.send(signal.SIGTERM)
        assert await process.ended(20) == 0
    assert "nothing is kept" in process.text
    assert "mock" in page.text


async def test_a_broker_that_does_not_answer_is_never_replaced_by_an_embedded_one(
    table: tuple[str, str], tmp_path: Path
) -> None:
    async with service("127.0.0.1:1", draw=table[1], cwd=tmp_path) as process:
        await process.until_logged("no answer from 127.0.0.1:1")
        assert (await process.client.get("/health/ready")).status_code == 503
        process.send(signal.SIGTERM)
        assert await process.ended(20) == 0
    assert "child process" not in process.text
    assert "in-memory" not in process.text
