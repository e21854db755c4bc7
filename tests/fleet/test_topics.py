"""The fleet's topics."""

from __future__ import annotations

from app.events import Event, Monitor, TopicCreated
from app.fleet.topics import CONFIGS, create, fleet_topics, missing
from tests.fakes import FakeKafka


class Brokers(FakeKafka):
    """Makes topics, but for those that another instance makes at the same time."""

    def __init__(self, *topics: str, at_once: str = "") -> None:
        super().__init__(dict.fromkeys(topics, 1))
        self.made: list[str] = []
        self._at_once = at_once

    async def create_topic(self, topic: str, partitions: int, config: object = None, *, timeout_s: float) -> bool:
        self.topic_partitions[topic] = partitions
        if topic == self._at_once:
            return False
        self.made.append(f"{topic} {partitions} {dict(config)['cleanup.policy']}")  # type: ignore[call-overload]  # is one
        return True


def test_fleets_of_different_names_share_no_topic() -> None:
    plain, staging = fleet_topics(""), fleet_topics("staging")
    assert plain.all == tuple(f"demijohn_{part}" for part in CONFIGS_IN_ORDER)
    assert (staging.reports, staging.group) == ("demijohn_staging_reports", "demijohn_staging_fleet")
    assert (plain.redrives, staging.redrives) == ("demijohn_redrives", "demijohn_staging_redrives")
    assert not {*plain} & {*staging}


CONFIGS_IN_ORDER = ("reports", "errors", "states", "metrics", "commands")


async def test_those_that_are_missing_are_made_with_one_partition() -> None:
    topics, monitor, events = fleet_topics(""), Monitor(), list[Event]()
    monitor.subscribe(TopicCreated, events.append)
    brokers = Brokers("demijohn_errors", at_once="demijohn_commands")
    await create(topics, brokers, monitor)
    assert brokers.made == ["demijohn_reports 1 delete", "demijohn_states 1 compact", "demijohn_metrics 1 compact"]
    assert [event.topic for event in events if isinstance(event, TopicCreated)] == [
        "demijohn_reports",
        "demijohn_states",
        "demijohn_metrics",
    ]
    assert missing(topics, brokers) == []


def test_what_kafka_never_compacts_or_drops_is_bounded() -> None:
    for part in ("reports", "states", "metrics"):
        assert int(CONFIGS[part]["segment.ms"]) <= 600_000
