"""Looking into topics of a real Kafka."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import aclosing, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from app.errors import KafkaUnavailable, NoSuchResource, TooManyLooks
from app.events import Monitor
from app.exploring.explorer import MOST_LOOKS, MOST_TAILS, Began, Dropped, Explorer, Wanted
from app.exploring.searching import containing
from app.exploring.walk import Limits
from app.kafka.cluster import Cluster
from app.kafka.embedded.apache import ApacheCluster, node_options
from app.kafka.embedded.jars import DEFAULT_DIRECTORY
from app.kafka.log_reader import Isolation, LogReader, StoredRecord, make_reader
from app.settings import Settings
from tests.conftest import MakeTopic, make_settings
from tests.waiting import until


@pytest.fixture
def explorer(settings: Settings) -> Explorer:
    return explorer_of(settings)


def explorer_of(settings: Settings, limits: Limits = Limits()) -> Explorer:  # noqa: B008  # frozen
    def make(topic: str, isolation: Isolation) -> LogReader:
        return make_reader(settings, settings.kafka_bootstrap_servers, topic, isolation)

    return Explorer(make, limits)


async def fill(settings: Settings, topic: str, partitions: int, each: int, first: int = 0) -> None:
    """`each` records in every partition, one partition after the other at each ms: values are their numbers."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers, max_batch_size=1000)
    await producer.start()
    sent = [
        await producer.send(
            topic,
            str(number).encode(),
            key=f"k{number}".encode(),
            partition=number % partitions,
            timestamp_ms=1_700_000_000_000 + number,
            headers=[("n", str(number).encode())],
        )
        for number in range(first, first + partitions * each)
    ]
    await asyncio.gather(*sent)
    await producer.stop()


def values(messages: object) -> list[int]:
    assert isinstance(messages, (list, tuple))
    return [int(message.value or b"") for message in messages]


async def test_the_newest_of_twelve_partitions_come_first_and_older_pages_follow(
    explorer: Explorer, settings: Settings, make_topic: MakeTopic
) -> None:
    topic = await make_topic(12)
    await fill(settings, topic, 12, 100)
    page = await explorer.page(Wanted(topic), 50)
    assert values(page.messages) == list(range(1199, 1149, -1))
    assert (page.ended, page.partitions) == ("limit", 12)
    assert page.scanned.messages < 1200
    seen = values(page.messages)
    while page.older is not None:
        page = await explorer.page(Wanted(topic, start=page.older), 300)
        seen += values(page.messages)
    assert seen == list(range(1199, -1, -1))


async def test_newer_pages_lead_back_and_on_to_what_has_come_since(
    explorer: Explorer, settings: Settings, make_topic: MakeTopic
) -> None:
    topic = await make_topic(3)
    await fill(settings, topic, 3, 10)
    first = await explorer.page(Wanted(topic), 10)
    second = await explorer.page(Wanted(topic, start=first.older), 10)
    back = await explorer.page(Wanted(topic, towards="newer", start=second.newer), 10)
    assert values(back.messages) == values(first.messages)
    assert first.newer is not None
    assert (await explorer.page(Wanted(topic, towards="newer", start=first.newer), 10)).messages == []
    await fill(settings, topic, 3, 2, first=30)
    since = await explorer.page(Wanted(topic, towards="newer", start=first.newer), 10)
    assert values(since.messages) == [35, 34, 33, 32, 31, 30]


async def test_a_topic_is_read_from_its_beginning_an_offset_or_a_time(
    explorer: Explorer, settings: Settings, make_topic: MakeTopic
) -> None:
    topic = await make_topic(2)
    await fill(settings, topic, 2, 50)

    async def first(**changes: object) -> list[int]:
        wanted = replace(Wanted(topic, towards="newer", order="oldest"), **changes)  # type: ignore[arg-type]
        return values((await explorer.page(wanted, 3)).messages)

    assert await first() == [0, 1, 2]
    assert await first(partition=1, offset=10) == [21, 23, 25]
    assert await first(offset=10) == [20, 21, 22]
    assert await first(timestamp=1_700_000_000_077) == [77, 78, 79]
    assert await first(timestamp=1_900_000_000_000) == []
    assert await first(partition=1) == [1, 3, 5]
    older = await explorer.page(Wanted(topic, partition=0, offset=10), 3)
    assert values(older.messages) == [18, 16, 14]


async def test_a_search_tells_what_it_has_scanned_and_goes_on_after_a_limit(
    settings: Settings, make_topic: MakeTopic
) -> None:
    topic = await make_topic(2)
    await fill(settings, topic, 2, 500)
    explorer = explorer_of(settings, Limits(messages=200))
    wanted = Wanted(topic, matches=containing("k77", ["key"]))
    found, scanned = [], 0
    while True:
        page = await explorer.page(wanted, 10)
        found += values(page.messages)
        scanned += page.scanned.messages
        if page.older is None:
            break
        assert page.ended in ("count", "limit")
        wanted = replace(wanted, start=page.older)
    assert found == [779, 778, 777, 776, 775, 774, 773, 772, 771, 770, 77]
    assert scanned >= 1000


async def test_aborted_transactions_are_passed_over_unless_they_are_wanted(
    explorer: Explorer, settings: Settings, make_topic: MakeTopic
) -> None:
    topic = await make_topic(1)
    await fill(settings, topic, 1, 5)
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap_servers, transactional_id=f"tx-{topic}", enable_idempotence=True
    )
    await producer.start()
    for _ in range(3):
        await producer.begin_transaction()
        sent = [await producer.send(topic, b"-1", partition=0) for _ in range(200)]
        await asyncio.gather(*sent)
        await producer.abort_transaction()
    await producer.stop()
    page = await explorer.page(Wanted(topic), 50)
    assert values(page.messages) == [4, 3, 2, 1, 0]
    assert page.ended == "end"
    assert page.scanned.offsets == 5 + 3 * 201
    assert page.older is None
    all_of_it = await explorer.page(Wanted(topic, isolation="read_uncommitted"), 500)
    assert values(all_of_it.messages) == [-1] * 500


async def test_what_an_open_transaction_holds_is_not_shown_before_it_is_committed(
    explorer: Explorer, settings: Settings, make_topic: MakeTopic
) -> None:
    topic = await make_topic(1)
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap_servers, transactional_id=f"tx-{topic}", enable_idempotence=True
    )
    await producer.start()
    await producer.begin_transaction()
    await producer.send_and_wait(topic, b"1", partition=0)
    assert (await explorer.page(Wanted(topic), 5)).messages == []
    assert len((await explorer.page(Wanted(topic, isolation="read_uncommitted"), 5)).messages) == 1
    await producer.commit_transaction()
    await producer.stop()

    async def shown() -> bool:
        return len((await explorer.page(Wanted(topic), 5)).messages) == 1

    await until(shown, "it is shown once it is committed")


@pytest.fixture
def cleaning_kafka(tmp_path: Path) -> Iterator[ApacheCluster]:
    """A Kafka that compacts at once."""
    properties = {"log.cleaner.backoff.ms": "100", "log.segment.delete.delay.ms": "100"}
    options = replace(node_options(DEFAULT_DIRECTORY), properties=properties)
    cluster = ApacheCluster(tmp_path / "kafka", options=options)
    asyncio.run(cluster.start())
    yield cluster
    asyncio.run(cluster.stop(0))


async def test_a_compacted_topic_is_crossed_to_its_few_messages(cleaning_kafka: ApacheCluster) -> None:
    settings = make_settings(cleaning_kafka.bootstrap_servers)
    explorer = explorer_of(settings)
    view = Cluster(settings, settings.kafka_bootstrap_servers, Monitor())
    config = {"cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.01"}
    assert await view.create_topic("compacted", 1, config, timeout_s=10)
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers, max_batch_size=500)
    await producer.start()
    for number in range(300):
        await producer.send(topic="compacted", value=str(number).encode(), key=f"{number % 3}".encode())
    await producer.flush()

    async def compacted() -> bool:
        await producer.send_and_wait("compacted", b"999", key=b"rolls")
        page = await explorer.page(Wanted("compacted"), 500)
        return len(page.messages) < 20

    await until(compacted, "Kafka has compacted it", 60)
    await producer.stop()
    page = await explorer.page(Wanted("compacted"), 500)
    assert {299, 298, 297, 999} == set(values(page.messages))
    assert page.ended == "end"
    assert page.scanned.offsets > 300
    with pytest.raises(NoSuchResource, match=r"compacted away.*the next one is at"):
        await explorer.message("compacted", 0, 5, "read_committed")
    await view.stop()


async def test_one_message_comes_whole_with_its_neighbours(
    explorer: Explorer, settings: Settings, make_topic: MakeTopic
) -> None:
    topic = await make_topic(2)
    await fill(settings, topic, 2, 10)
    found = await explorer.message(topic, 1, 4, "read_committed")
    assert found.message == StoredRecord(1, 4, 1_700_000_000_009, False, b"k9", b"9", (("n", b"9"),))
    assert (found.previous, found.next) == (3, 5)
    assert (await explorer.message(topic, 1, 0, "read_committed")).previous is None
    assert (await explorer.message(topic, 1, 9, "read_committed")).next is None
    with pytest.raises(NoSuchResource, match="offsets from 0 to 9"):
        await explorer.message(topic, 1, 10, "read_committed")
    with pytest.raises(NoSuchResource, match="no partition 7"):
        await explorer.message(topic, 7, 0, "read_committed")


async def test_a_topic_that_does_not_exist_is_not_created(explorer: Explorer, cluster: Cluster) -> None:
    with pytest.raises(NoSuchResource):
        await explorer.page(Wanted("nowhere-at-all"), 5)
    assert "nowhere-at-all" not in await cluster.refresh(timeout_s=5)


async def test_a_tail_gives_what_comes_and_what_matches(
    explorer: Explorer, settings: Settings, make_topic: MakeTopic
) -> None:
    topic = await make_topic(2)
    await fill(settings, topic, 2, 5)
    async with aclosing(explorer.tail(Wanted(topic, matches=containing("1", ["value"])))) as tail:
        assert await anext(tail) == Began({0: 5, 1: 5})
        await fill(settings, topic, 2, 1, first=11)
        async with asyncio.timeout(10):
            item = await anext(tail)
    assert isinstance(item, StoredRecord)
    assert int(item.value or b"") == 11


async def test_a_tail_that_too_much_comes_into_says_how_many_it_left_out(
    explorer: Explorer, settings: Settings, make_topic: MakeTopic
) -> None:
    topic = await make_topic(1)
    shown = dropped = 0
    async with aclosing(explorer.tail(Wanted(topic))) as tail:
        assert await anext(tail) == Began({0: 0})
        await fill(settings, topic, 1, 500)
        async with asyncio.timeout(20):
            while shown + dropped < 500:
                item = await anext(tail)
                shown += isinstance(item, StoredRecord)
                dropped += item.count if isinstance(item, Dropped) else 0
    assert 0 < shown < 500
    assert dropped > 0


async def test_more_looks_than_may_be_at_once_are_refused(
    explorer: Explorer, settings: Settings, make_topic: MakeTopic
) -> None:
    topic = await make_topic(1)
    before = asyncio.all_tasks()
    answers = await asyncio.gather(*(explorer.page(Wanted(topic), 5) for _ in range(6)), return_exceptions=True)
    assert sum(isinstance(answer, TooManyLooks) for answer in answers) == 6 - MOST_LOOKS
    assert (await explorer.page(Wanted(topic), 5)).messages == []
    tails = [explorer.tail(Wanted(topic)) for _ in range(MOST_TAILS + 1)]
    coming = [asyncio.ensure_future(anext(tail)) for tail in tails]
    done, _ = await asyncio.wait(coming, return_when=asyncio.FIRST_COMPLETED)
    assert [type(task.exception()) for task in done] == [TooManyLooks]
    for task in coming:
        task.cancel()
    await asyncio.wait(coming)
    for tail in tails:
        await tail.aclose()
    assert explorer._tails == 0
    await until(lambda: asyncio.all_tasks() <= before, "no task is left")


async def test_without_a_broker_it_is_told_at_once() -> None:
    explorer = explorer_of(make_settings("127.0.0.1:9"))
    with pytest.raises(KafkaUnavailable):
        await explorer.page(Wanted("any"), 5)


async def test_a_hundred_cancelled_looks_leave_nothing_behind(
    explorer: Explorer, settings: Settings, make_topic: MakeTopic
) -> None:
    topic = await make_topic(6)
    await fill(settings, topic, 6, 100)
    nothing = Wanted(topic, matches=containing("not there"))
    await explorer.page(nothing, 5)
    before, sockets = asyncio.all_tasks(), open_sockets()
    loop = asyncio.get_running_loop()
    for number in range(100):
        look = asyncio.ensure_future(explorer.page(nothing, 5))
        loop.call_later(0.0003 * number, look.cancel)
        with suppress(asyncio.CancelledError):
            await look
    await until(lambda: asyncio.all_tasks() <= before, "no task is left")
    await until(lambda: open_sockets() <= sockets, "no socket is left")
    assert explorer._looks == 0


def open_sockets() -> int:
    links = Path("/proc/self/fd")
    found = 0
    for link in links.iterdir():
        with suppress(OSError):
            found += os.readlink(link).startswith("socket:")
    return found
