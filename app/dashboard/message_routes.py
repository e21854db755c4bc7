"""The messages of a topic: a page of them, one, and a live tail. What is read for a caller ends when he leaves."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response

from app.api.admission import CLIENT_GONE
from app.api.bodies import ClientGone
from app.api.calls import Call
from app.api.keys import ApiKey
from app.api.problems import Refusal, problem
from app.api.replies import CALL
from app.api.services import Services
from app.dashboard.attended import attended
from app.dashboard.cluster_facts import TIMEOUT_S
from app.dashboard.event_stream import Events, event
from app.dashboard.kafka_refusals import kafka_refusals
from app.dashboard.message_documents import (
    LIST_LETTERS,
    Show,
    message_document,
    page_document,
    shown_as,
    whole_document,
)
from app.dashboard.message_query import (
    TAIL_PARAMETERS,
    Ask,
    read_isolation,
    read_messages_query,
    read_tail_query,
)
from app.dashboard.negotiation import JSON
from app.dashboard.page_headers import PAGE_HEADERS
from app.dashboard.pages import Stream
from app.dashboard.queries import Query
from app.dashboard.topic_access import TopicAccess
from app.exploring.explorer import Began, Dropped
from app.kafka.log_reader import StoredRecord

TOPIC = "/dashboard/api/topics/{topic}"
Look = Callable[[Call, Mapping[str, str]], Awaitable[Mapping[str, Any]]]


class MessageRoutes:
    """Answers them with the explorer."""

    def __init__(self, services: Services, access: TopicAccess) -> None:
        self._cluster = services.cluster
        self._explorer = services.explorer
        self._access = access

    def add_to(self, application: FastAPI) -> None:
        """Registers what is JSON."""
        looks: Mapping[str, Look] = {
            f"{TOPIC}/messages": self.page,
            f"{TOPIC}/messages/{{partition}}/{{offset}}": self.message,
        }
        for path, look in looks.items():
            application.add_api_route(
                path, _route(look), methods=["GET"], include_in_schema=False, response_class=Response
            )

    def tail(self) -> Stream:
        """What is a stream."""
        return Stream(f"{TOPIC}/tail", self._open_tail, TAIL_PARAMETERS)

    async def page(self, call: Call, path: Mapping[str, str]) -> Mapping[str, Any]:
        topic = path["topic"]
        with kafka_refusals():
            partitions = await self._partitions(topic, call.key)
            ask = read_messages_query(call.query, topic, partitions)
            self._check_search(ask)
            page = await self._explorer.page(ask.wanted, ask.limit)
        return await asyncio.to_thread(page_document, topic, page, self._access.masked(topic))

    async def message(self, call: Call, path: Mapping[str, str]) -> Mapping[str, Any]:
        topic, isolation = path["topic"], read_isolation(call.query)
        with kafka_refusals():
            await self._partitions(topic, call.key)
            partition, offset = place_of(path)
            found = await self._explorer.message(topic, partition, offset, isolation)
        return await asyncio.to_thread(whole_document, topic, found, self._access.masked(topic))

    async def _partitions(self, topic: str, key: ApiKey | None) -> int:
        """How many. Raises Refusal where the caller may not look into the topic."""
        count = await self._cluster.partition_count(topic, timeout_s=TIMEOUT_S)
        self._access.check_messages(topic, key, lambda _: count is not None)
        return count or 0

    def _check_search(self, ask: Ask) -> None:
        if ask.searches and self._access.masked(ask.wanted.topic):
            raise Refusal("masked_topic", f"{ask.wanted.topic} is masked: what is in its messages cannot be searched")

    def _open_tail(self, query: Query) -> Events:
        topic = query.path["topic"]
        self._access.check_messages(topic, query.key, self._cluster.topics().__contains__)
        ask = read_tail_query(query.filters, topic)
        self._check_search(ask)
        with kafka_refusals():
            self._explorer.check_tail()
        return self._tail_events(ask)

    async def _tail_events(self, ask: Ask) -> Events:
        show = shown_as(LIST_LETTERS, self._access.masked(ask.wanted.topic))
        try:
            with kafka_refusals():
                async with contextlib.aclosing(self._explorer.tail(ask.wanted)) as tail:
                    async for item in tail:
                        yield _tail_event(item, show)
        except Refusal as refusal:
            yield event("problem", orjson.dumps(problem(refusal.code, refusal.detail, "")))


def _tail_event(item: StoredRecord | Dropped | Began, show: Show) -> bytes:
    if isinstance(item, Began):
        offsets = {str(partition): offset for partition, offset in item.offsets.items()}
        return event("begin", orjson.dumps({"offsets": offsets}))
    if isinstance(item, Dropped):
        return event("dropped", orjson.dumps({"count": item.count}))
    return event("message", orjson.dumps(message_document(item, show)))


def place_of(path: Mapping[str, str]) -> tuple[int, int]:
    """(partition, offset) of a path. Raises Refusal `not_found` where they are no numbers."""
    partition, offset = path["partition"], path["offset"]
    for text, digits in ((partition, 10), (offset, 19)):
        if not (text.isascii() and text.isdigit() and len(text) <= digits):
            raise Refusal("not_found", "A message is found by the numbers of its partition and its offset")
    return int(partition), int(offset)


def _route(look: Look) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        call: Call = request.scope[CALL]

        async def work() -> bytes:
            return orjson.dumps(await look(call, request.path_params))

        try:
            body = await attended(call.receive, work())
        except ClientGone:
            return Response(status_code=CLIENT_GONE)
        return Response(body, media_type=JSON, headers=PAGE_HEADERS)

    return answer
