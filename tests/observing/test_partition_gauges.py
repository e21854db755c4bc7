"""Every partition's gauges are in a scrape, in both formats, as Prometheus' own parsers read them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from app.events import PartitionProgress
from app.messages import TopicPartition
from app.observing.group_figures import GroupFigures
from app.observing.partition_gauges import with_partitions
from app.routes.table import Group

NAME = 'a "group"\\of\nours'
Parse = Callable[[str], Iterable[Metric]]


def figures() -> GroupFigures:
    group = GroupFigures(Group(NAME, ()))
    at, other = TopicPartition("payments", 2), TopicPartition("payments", 10)
    group.assigned(frozenset({at, other}))
    event = PartitionProgress(
        NAME,
        *at,
        "C",
        "retrying",
        position=10,
        marked=8,
        committed=5,
        end=20,
        attempt=1,
        first_unmarked_timestamp_ms=1000,
    )
    group.rows[at].progressed(event)
    return group


@pytest.mark.parametrize(
    ("accept", "parse"),
    [("text/plain", parse_text), ("application/openmetrics-text; version=1.0.0", parse_openmetrics)],
)
def test_they_are_read_by_the_parsers_of_prometheus(accept: str, parse: Parse) -> None:
    registry = CollectorRegistry()
    Gauge("other", "Another", registry=registry).set(1)
    document = choose_encoder(accept)[0](registry)
    text = with_partitions(document, "demijohn_", [figures()], now_ms=3500).decode()
    found = {
        (sample.name, sample.labels["partition"]): sample.value
        for family in parse(text)
        for sample in family.samples
        if sample.labels.get("group") == NAME and sample.labels["topic"] == "payments"
    }
    assert found == {
        ("demijohn_consumer_lag", "2"): 12.0,
        ("demijohn_consumer_lag_seconds", "2"): 2.5,
        ("demijohn_consumer_paused", "2"): 1.0,
        ("demijohn_consumer_paused", "10"): 0.0,
    }
    assert "other 1.0" in text
    assert text.endswith("# EOF\n") == document.endswith(b"# EOF\n")
