"""The pages of dead letters, on a real Kafka."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.consumer import Consumer
from app.consuming.dead_letters import dead_letter_headers
from app.dashboard.dead_letter_topics import NEWEST, Summary, death_of, summed_up
from app.kafka.log_reader import StoredRecord
from app.kafka.records import FetchedRecord
from app.producer import Producer
from app.routes import DeadLetter, Routes
from tests.conftest import MakeTopic
from tests.dashboard.real_service import RealService, real_service
from tests.waiting import until

FIRST_MS = 1_700_000_000_000


class Unused(Consumer):
    async def consume(self) -> None:
        raise NotImplementedError


class Shown:
    """A service with a DLQ of two partitions."""

    def __init__(self, running: RealService, topic: str, dlq: str, producer: Producer) -> None:
        self.running, self.topic, self.dlq = running, topic, dlq
        self._producer = producer

    async def fail(self, *payloads: int, error: Exception | None = None) -> None:
        """These are dead letters, even ones of partition 0."""
        for payload in payloads:
            at = payload % 2
            record = FetchedRecord(self.topic, at, payload, FIRST_MS + payload, b"k", str(payload).encode(), ())
            headers = dead_letter_headers(record, group="g", attempts=2, error=error or ValueError("<bad>"))
            await self._producer.produce_sync(
                topic=self.dlq,
                payload=record.value,
                key=record.key,
                partition=at,
                headers=headers,
                timestamp=record.timestamp,
            )

    async def row(self) -> dict[str, Any]:
        """That of the DLQ."""
        rows = (await self.running.get("/dashboard/dead-letters", q=self.dlq))["table"]["rows"]
        found: dict[str, Any] = rows[0]
        return found


@pytest.fixture
async def shown(kafka: str, make_topic: MakeTopic, producer: Producer) -> AsyncIterator[Shown]:
    topic, dlq = await make_topic(2), await make_topic(2, prefix="dlq")

    def draw(routes: Routes) -> None:
        routes.topic(topic, Unused, dead_letter=DeadLetter(dlq))

    async with real_service(kafka, draw, dashboard_actions=True, kafka_create_topics=True) as running:
        yield Shown(running, topic, dlq, producer)


async def test_a_dlq_is_summed_up_from_its_newest_records(shown: Shown) -> None:
    assert await shown.row() == {
        "topic": shown.dlq,
        "messages": 0,
        "dispatched": 0,
        "per_min": 0.0,
        "last_at": None,
        "reasons": [],
        "sources": [],
    }
    await shown.fail(0, 1, 2)
    await shown.fail(3, error=KeyError("id"))
    row = await shown.row()
    assert row["reasons"] == [
        {"error_class": "builtins.ValueError", "count": 3},
        {"error_class": "builtins.KeyError", "count": 1},
    ]
    assert (row["messages"], row["sources"], row["per_min"]) == (4, [shown.topic], 0.8)
    assert row["last_at"]


async def test_a_message_says_why_it_is_there_and_whether_it_went_back(shown: Shown) -> None:
    await shown.fail(0, 1, 2)
    path = f"/dashboard/dead-letters/{shown.dlq}"
    document = await shown.running.get(path, limit=2)
    assert [message["value"]["text"] for message in document["messages"]] == ["2", "1"]
    death = document["messages"][0]["dead"]
    assert death.pop("failed_at").endswith("Z")
    assert death == {
        "source_topic": shown.topic,
        "source_partition": 0,
        "source_offset": 2,
        "error_class": "builtins.ValueError",
        "error_message": "<bad>",
        "attempts": 2,
        "redriven": False,
    }
    older = await shown.running.get(path, before=document["older"])
    assert [message["value"]["text"] for message in older["messages"]] == ["0"]
    begun = await shown.running.act(
        "POST", f"/dashboard/api/dead-letters/{shown.dlq}/redrive", {"records": [[0, 0]]}, 202
    )

    async def went_back() -> bool:
        redrive = await shown.running.get(f"/dashboard/api/redrives/{begun['id']}")
        messages = (await shown.running.get(path))["messages"]
        return bool(redrive["done"] == 1 and [one["dead"]["redriven"] for one in messages] == [False, False, True])

    await until(went_back, "the page shows it")


async def test_what_cannot_be_shown_is_refused(shown: Shown) -> None:
    await shown.running.get("/dashboard/dead-letters/gone", 404)
    await shown.running.get(f"/dashboard/dead-letters/{shown.dlq}", 400, limit=0)
    await shown.running.get(f"/dashboard/dead-letters/{shown.dlq}", 400, nonsense=1)


async def test_of_a_masked_dlq_no_text_is_shown(kafka: str, make_topic: MakeTopic, producer: Producer) -> None:
    dlq = await make_topic(2, prefix="dlq")
    async with real_service(kafka, dashboard_masked_topics="dlq-*") as running:
        await Shown(running, "orders", dlq, producer).fail(0)
        (message,) = (await running.get(f"/dashboard/dead-letters/{dlq}"))["messages"]
    assert (message["value"]["text"], message["dead"]["error_message"]) == (None, None)
    assert message["dead"]["error_class"] == "builtins.ValueError"


def record(headers: tuple[tuple[str, bytes | None], ...] = (), timestamp: int = 1000) -> StoredRecord:
    return StoredRecord(0, 0, timestamp, False, None, None, headers)


def test_a_record_that_is_no_dead_letter_says_nothing() -> None:
    assert set(death_of(record((("source_offset", b"-1"), ("error_class", None)))).values()) == {None}
    summary = summed_up([record(timestamp=-1), record((("failed_at", b"yesterday"),))])
    assert summary == Summary([("(not known)", 2)], [], [datetime(1969, 12, 31, 23, 59, 59, 999000, UTC)])


def test_the_inflow_is_of_the_last_five_minutes_or_of_what_was_read() -> None:
    now = datetime(2026, 1, 5, 10, tzinfo=UTC)
    few = Summary(times=[now - timedelta(minutes=minutes) for minutes in (1, 2, 9)])
    assert few.per_min(now) == 0.4
    many = Summary(times=[now - timedelta(seconds=number * 0.3) for number in range(NEWEST)])
    assert many.per_min(now) == pytest.approx(201, abs=1)
    assert Summary().per_min(now) == 0
