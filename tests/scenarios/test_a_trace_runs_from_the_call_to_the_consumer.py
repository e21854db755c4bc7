"""A caller's trace runs through the HTTP call and the record's headers to the consumer, and on into what that sends."""

from __future__ import annotations

import asyncio
import signal

from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.scenarios.collector import collecting
from tests.scenarios.stage import Stage
from tests.service_process import service
from tests.waiting import until

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


async def trace_in(servers: str, topic: str) -> tuple[str, str]:
    """Trace id and span id that the first record of a topic names."""
    reader = AIOKafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False)
    await reader.start()
    try:
        at = TopicPartition(topic, 0)
        reader.assign([at])
        await reader.seek_to_beginning(at)
        record = await asyncio.wait_for(reader.getone(), 15)
    finally:
        await reader.stop()
    _, trace_id, span_id, _ = dict(record.headers)["traceparent"].decode().split("-")
    return trace_id, span_id


async def test_every_step_has_its_span(stage: Stage) -> None:
    topic, onward = await stage.topic(), await stage.topic()
    with collecting() as collector:
        environment = {
            "TOPIC": topic,
            "FORWARD_TO": onward,
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }
        async with service(stage.servers, draw="tests.scenarios.tables:forwards", environment=environment) as running:
            await running.until_ready()
            answer = await running.client.post(
                "/produce", json={"topic": topic, "payload": 1}, headers={"traceparent": f"00-{TRACE}-{SPAN}-01"}
            )
            assert answer.status_code == 200
            await until(lambda: collector.named(f"send {onward}"), "the consumer has sent it on")
            running.send(signal.SIGTERM)
            assert await running.ended() == 0
        assert collector.services == {"demijohn"}
        names = {span.name for span in collector.spans}
        assert names == {"POST /produce", f"send {topic}", f"process {topic}", f"send {onward}"}
        (server,), (send,) = collector.named("POST /produce"), collector.named(f"send {topic}")
        failed, done = collector.named(f"process {topic}")
        (forwarded,) = collector.named(f"send {onward}")

    assert (server.trace_id.hex(), server.parent_span_id.hex()) == (TRACE, SPAN)
    assert (send.trace_id.hex(), send.parent_span_id) == (TRACE, server.span_id)
    assert await trace_in(stage.servers, topic) == (TRACE, send.span_id.hex())
    for run in (failed, done):
        assert [(link.trace_id.hex(), link.span_id) for link in run.links] == [(TRACE, send.span_id)]
    assert [event.name for event in failed.events] == ["exception", "retry scheduled"]
    assert (forwarded.trace_id, forwarded.parent_span_id) == (done.trace_id, done.span_id)
    assert await trace_in(stage.servers, onward) == (done.trace_id.hex(), forwarded.span_id.hex())


async def test_without_a_collector_the_service_works_and_stops_in_time(stage: Stage) -> None:
    topic = await stage.topic()
    environment = {"TOPIC": topic, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    async with service(stage.servers, draw="tests.scenarios.tables:slow", environment=environment) as running:
        await running.until_ready()
        assert (await running.produce(topic, 1)).status_code == 200
        running.send(signal.SIGTERM)
        assert await running.ended(15) == 0
