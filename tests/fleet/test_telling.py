"""When an instance tells of itself, and what becomes of what could not be told."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from app.errors import KafkaUnavailable
from app.events import ErrorOccurred, Monitor
from app.fleet.head import read_head
from app.fleet.telling import Local, Telling
from app.fleet.topics import fleet_topics
from app.fleet.wire import unpack
from app.kafka.protocols import ClientOptions, ProducerClient
from app.kafka.topic_writer import TopicWriter, Written
from tests.fleet.reports import report, row, standing


class Writer(TopicWriter):
    """Keeps what is written. `away`: no broker answers."""

    def __init__(self) -> None:
        super().__init__(_no_client)
        self.written: dict[str, list[Written]] = {}
        self.away = False

    async def write(self, topic: str, records: Sequence[Written], *, timeout_s: float) -> None:
        if self.away:
            raise KafkaUnavailable("nobody there")
        self.written.setdefault(topic, []).extend(records)


async def _no_client(options: ClientOptions) -> ProducerClient:
    raise AssertionError


@pytest.fixture
def writer() -> Writer:
    return Writer()


def telling(writer: Writer, monitor: Monitor, name: str = "a") -> Telling:
    local = Local(name, lambda: report(name, rows=[row("t", 0)]), lambda _: False, standing)
    return Telling(local, fleet_topics(""), writer, monitor, 5.0)


async def test_a_report_and_the_errors_since_the_last_one_are_written(writer: Writer) -> None:
    monitor = Monitor()
    teller = telling(writer, monitor)
    monitor.emit(ErrorOccurred("x", KeyError("k")))
    await teller.tell()
    await teller.tell("stopped")
    heads = [read_head(record.value) for record in writer.written["demijohn_reports"]]
    assert [head.state for head in heads if head] == ["running", "stopped"]
    (errors,) = writer.written["demijohn_errors"]
    assert (unpack(errors.value) or {})["errors"][0]["kind"] == "x"


async def test_what_could_not_be_written_is_told_by_the_next_report(writer: Writer) -> None:
    monitor = Monitor()
    teller = telling(writer, monitor)
    monitor.emit(ErrorOccurred("x", KeyError("k")))
    writer.away = True
    await teller.tell()
    assert teller.trouble == "nobody there"
    writer.away = False
    await teller.tell()
    assert teller.trouble is None
    assert [record.key for record in writer.written["demijohn_reports"]] == ["a", "a/0"]
    assert len(writer.written["demijohn_errors"]) == 1


def test_instances_report_at_their_own_time_of_each_interval(writer: Writer) -> None:
    phases = set()
    for name in "abcdef":
        wait_s = telling(writer, Monitor(), name)._wait_s(1_800_000_000.0)
        assert 0 < wait_s <= 5
        again = telling(writer, Monitor(), name)._wait_s(1_800_000_000.0 + wait_s)
        assert again == pytest.approx(5)
        phases.add(round(wait_s, 3))
    assert len(phases) == 6
