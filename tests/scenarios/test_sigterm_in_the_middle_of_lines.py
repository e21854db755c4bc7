"""SIGTERM in the middle of a stream of lines: every delivered line is stored, the last line says what was not sent."""

from __future__ import annotations

import asyncio
import signal

from tests.scenarios.lines_client import LinesClient, lines_client
from tests.scenarios.stage import Stage
from tests.scenarios.witness import stored_in
from tests.service_process import service
from tests.waiting import until


async def keep_sending(client: LinesClient, topic: str) -> None:
    number = 0
    try:
        while True:
            await client.send({"topic": topic, "payload": number + index} for index in range(100))
            number += 100
            await asyncio.sleep(0.005)
    except ConnectionError:
        return


async def test_a_stop_ends_the_stream_with_what_was_not_sent(kafka: str, stage: Stage) -> None:
    topic = await stage.topic(2)
    async with service(kafka, "--no-consumers") as process:
        await process.until_ready()
        async with lines_client(process.port) as client:
            reading = asyncio.ensure_future(client.read())
            sending = asyncio.ensure_future(keep_sending(client, topic))
            await until(lambda: client.results > 1000, "the stream is under way", 20)
            process.send(signal.SIGTERM)
            assert await asyncio.wait_for(reading, 20)
            sending.cancel()
            assert (client.last["status"], client.last["code"]) == ("not_sent", "draining")
            assert set(client.by_status) == {"delivered", "not_sent"}
        assert await process.ended() == 0
        stored = await stored_in(kafka, topic)
        assert len(stored) == client.by_status["delivered"]
