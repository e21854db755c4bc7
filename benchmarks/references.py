"""What others would write: servers that put a request's message into Kafka with aiokafka and little else.

python -m benchmarks.references lean|usual|trivial
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import uvicorn
import uvloop
from aiokafka import AIOKafkaProducer
from fastapi import FastAPI
from pydantic import BaseModel

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]
OK: dict[str, Any] = {"type": "http.response.start", "status": 200}


class Incoming(BaseModel):
    """A message as the usual route declares it."""

    topic: str
    payload: Any
    key: str | None = None


class Outgoing(BaseModel):
    """An answer as the usual route declares it."""

    topic: str
    partition: int
    offset: int


async def answer(send: Send, document: object) -> None:
    body = orjson.dumps(document)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({**OK, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def body_of(receive: Receive) -> Any:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return orjson.loads(b"".join(parts))


def lean(producer: AIOKafkaProducer) -> Any:
    """A bare ASGI handler: decode, `send`, await, encode; a list of messages under /batch."""

    async def one(message: dict[str, Any]) -> dict[str, Any]:
        key = message["key"].encode()
        sent = await producer.send(message["topic"], orjson.dumps(message["payload"]), key=key)
        stored = await sent
        return {"topic": stored.topic, "partition": stored.partition, "offset": stored.offset}

    async def reply(scope: dict[str, Any], receive: Receive) -> object:
        if scope["method"] == "GET":
            return {}
        document = await body_of(receive)
        return await (one(document) if scope["path"] == "/produce" else many(producer, document["messages"]))

    async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await answer(send, await reply(scope, receive))

    return application


async def many(producer: AIOKafkaProducer, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`send` for each record, then all answers."""
    sent = [
        await producer.send(message["topic"], orjson.dumps(message["payload"]), key=message["key"].encode())
        for message in messages
    ]
    stored = [await future for future in sent]
    return [{"topic": record.topic, "partition": record.partition, "offset": record.offset} for record in stored]


def usual(producer: AIOKafkaProducer) -> FastAPI:
    """The route of a tutorial: a pydantic body, `send_and_wait`, a response model."""
    application = FastAPI()

    @application.post("/produce")
    async def produce(message: Incoming) -> Outgoing:
        value = orjson.dumps(message.payload)
        key = message.key.encode() if message.key else None
        stored = await producer.send_and_wait(message.topic, value, key=key)
        return Outgoing(topic=stored.topic, partition=stored.partition, offset=stored.offset)

    return application


def trivial(_: AIOKafkaProducer) -> Any:
    """Decodes and answers, without Kafka: the ceiling of server and load generator."""

    async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await answer(send, await body_of(receive) if scope["method"] == "POST" else {})

    return application


APPLICATIONS = {"lean": lean, "usual": usual, "trivial": trivial}


async def main(name: str) -> None:
    servers = os.environ["KAFKA_BOOTSTRAP_SERVERS"]
    producer = AIOKafkaProducer(bootstrap_servers=servers, enable_idempotence=True, acks="all")
    await producer.start()
    config = uvicorn.Config(
        APPLICATIONS[name](producer), port=int(os.environ["HTTP_PORT"]), access_log=False, log_level="warning"
    )
    await uvicorn.Server(config).serve()
    await producer.stop()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1]))
