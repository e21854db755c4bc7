"""The pages of dead letters: every DLQ, and the messages of one with why each is there and whether it went back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from app.api.services import Services
from app.dashboard.cluster_facts import TIMEOUT_S
from app.dashboard.dated import dated
from app.dashboard.dead_letter_topics import DeadLetterTopics, death_of
from app.dashboard.documents import Document
from app.dashboard.kafka_refusals import kafka_refusals
from app.dashboard.message_documents import page_document
from app.dashboard.message_query import PARAMETERS, read_messages_query
from app.dashboard.pages import Page
from app.dashboard.queries import Query, TableSpec
from app.dashboard.topic_access import topic_access
from app.exploring.explorer import MessagePage
from app.redriving.memory import Redriven
from app.redriving.redrives import Redrives

TOPICS = TableSpec(("topic", "messages", "dispatched", "per_min", "last_at", "reasons", "sources"), "-messages")


class DeadLetterPages:
    """Builds their documents."""

    def __init__(self, services: Services, redrives: Redrives) -> None:
        self._services = services
        self._redrives = redrives
        self._access = topic_access(services.settings)
        self._topics = DeadLetterTopics(services.cluster, services.explorer)

    def pages(self) -> Iterator[Page]:
        """Both."""
        yield Page("/dashboard/dead-letters", "Dead letters", self.topics, TOPICS, personal=True)
        yield Page("/dashboard/dead-letters/{topic}", "Dead letters", self.letters, filters=PARAMETERS, personal=True)

    async def topics(self, query: Query) -> Document:
        """Every DLQ that the caller may see: those of the table, and wherever else this instance has sent any."""
        dispatched = {row["topic"]: row for row in self._services.snapshot.document()["dead_letters"]}
        names = {*self._services.table.dead_letter_topics(), *dispatched}
        names |= {self._services.settings.http_async_dlq_topic} - {""}
        visible = sorted(name for name in names if self._access.visible(name, query.key))
        rows = await asyncio.gather(*(self._topics.row(name, dispatched.get(name)) for name in visible))
        return dated({"table": query.table(rows)})

    async def letters(self, query: Query) -> Document:
        """A page of messages, as of the topic's own page, each with its death."""
        topic = query.path["topic"]
        with kafka_refusals():
            count = await self._services.cluster.partition_count(topic, timeout_s=TIMEOUT_S)
            self._access.check_messages(topic, query.key, lambda _: count is not None)
            ask = read_messages_query(urlencode(query.filters).encode("ascii"), topic, count or 0)
            page = await self._services.explorer.page(ask.wanted, ask.limit)
        redriven = await self._redrives.shown(topic)
        masked = self._access.masked(topic)
        return await asyncio.to_thread(_document, topic, page, redriven, masked)


def _document(topic: str, page: MessagePage, redriven: Redriven | None, masked: bool) -> Mapping[str, Any]:
    document = dict(page_document(topic, page, masked))
    messages: Sequence[Mapping[str, Any]] = document["messages"]
    document["messages"] = [
        {
            **message,
            "dead": {**_death(record, masked), "redriven": _went_back(redriven, record.partition, record.offset)},
        }
        for message, record in zip(messages, page.messages, strict=True)
    ]
    return document


def _death(record: Any, masked: bool) -> dict[str, Any]:
    """An error's text may hold what is in the message."""
    death = death_of(record)
    return death | {"error_message": None} if masked else death


def _went_back(redriven: Redriven | None, partition: int, offset: int) -> bool | None:
    """None: not known."""
    if redriven is None:
        return None
    return partition in redriven and offset in redriven[partition]
