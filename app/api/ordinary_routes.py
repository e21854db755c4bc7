"""The routes as FastAPI sees them: those that need no fast lane, and the documentation of those that do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import orjson
from fastapi import FastAPI, Request, Response

from app.api import documentation
from app.api.asyncapi import asyncapi
from app.api.bodies import ClientGone
from app.api.confluent_documentation import confluent_read
from app.api.confluent_reads import ConfluentReads
from app.api.health import Health
from app.api.producing_routes import ProducingRoute
from app.api.receipt_route import read_receipt
from app.api.replies import CALL, Receive, Reply, Scope, Send, StreamedReply, response_of
from app.api.services import Services
from app.api.topic_policy import TopicPolicy
from app.settings import listed


def add_routes(application: FastAPI, services: Services, produce: Sequence[ProducingRoute]) -> None:
    """Registers every route of the API."""
    for route in produce:
        documented = documentation.PRODUCING[route.info.template]
        application.add_api_route(
            route.info.template, _endpoint(route), methods=["POST"], **documented, response_class=Response
        )
    _add_receipts(application, services)
    _add_confluent_reads(
        application, ConfluentReads(services.cluster, TopicPolicy((), listed(services.settings.http_topics)))
    )
    _add_asyncapi(application, services)
    _add_health(application, Health(services))
    _add_metrics(application, services)


def _endpoint(route: ProducingRoute) -> Callable[[Request], Awaitable[Response]]:
    async def produce(request: Request) -> Response:
        try:
            reply = await route(request.scope[CALL])
        except ClientGone:
            return _NoResponse()
        return response_of(reply) if isinstance(reply, Reply) else _StreamedResponse(reply)

    return produce


class _NoResponse(Response):
    """Sends nothing: there is nobody to answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        return


class _StreamedResponse(Response):
    """Sends an answer that comes piece by piece; it reads the body itself, so nothing else may."""

    def __init__(self, reply: StreamedReply) -> None:
        super().__init__()
        self._reply = reply

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._reply.send(send, scope[CALL].request_id)


def _add_receipts(application: FastAPI, services: Services) -> None:
    async def receipt(request: Request) -> Response:
        return response_of(await read_receipt(request.scope[CALL], request.path_params["id"], services.receipts))

    application.add_api_route(
        "/receipts/{id}", receipt, methods=["GET"], **documentation.RECEIPT, response_class=Response
    )


def _add_confluent_reads(application: FastAPI, reads: ConfluentReads) -> None:
    routes: Mapping[str, Callable[..., Awaitable[Reply]]] = {
        "/topics": reads.topics,
        "/topics/{topic}": reads.topic,
        "/topics/{topic}/partitions": reads.partitions,
        "/topics/{topic}/partitions/{partition}": reads.partition,
        "/topics/{topic}/partitions/{partition}/offsets": reads.offsets,
        "/brokers": reads.brokers,
    }
    for path, read in routes.items():
        documented = confluent_read(path)
        application.add_api_route(path, _read(read), methods=["GET"], **documented, response_class=Response)


def _read(read: Callable[..., Awaitable[Reply]]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return response_of(await read(*request.path_params.values()))

    return endpoint


def _add_asyncapi(application: FastAPI, services: Services) -> None:
    body = orjson.dumps(asyncapi(services.table, services.settings.kafka_bootstrap_servers))

    async def description() -> Response:
        return response_of(Reply(200, body))

    application.add_api_route(
        "/asyncapi.json", description, methods=["GET"], **documentation.ASYNCAPI, response_class=Response
    )


def _add_health(application: FastAPI, health: Health) -> None:
    async def live() -> Response:
        return response_of(health.live())

    async def ready() -> Response:
        return response_of(health.ready())

    application.add_api_route("/health/live", live, methods=["GET"], **documentation.LIVE, response_class=Response)
    application.add_api_route("/health/ready", ready, methods=["GET"], **documentation.READY, response_class=Response)


def _add_metrics(application: FastAPI, services: Services) -> None:
    async def metrics(request: Request) -> Response:
        text, content_type = services.metrics.exposition(request.headers.get("accept", ""))
        return response_of(Reply(200, text, content_type.encode("ascii")))

    application.add_api_route("/metrics", metrics, methods=["GET"], **documentation.METRICS, response_class=Response)
