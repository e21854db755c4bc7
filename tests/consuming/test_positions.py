"""Where to read a partition from."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from app.consuming.positions import Positions
from app.errors import PositionLost
from app.events import PositionReset
from app.messages import TopicPartition
from app.routes.table import InitialOffset
from tests.consuming.stage import AT, OTHER, Stage

EARLIEST: Mapping[str, InitialOffset] = {"t": "earliest"}
LATEST: Mapping[str, InitialOffset] = {"t": "latest"}


@pytest.fixture
def positions(stage: Stage) -> Positions:
    return stage.services.positions


async def test_what_is_committed_is_where_it_goes_on(stage: Stage, positions: Positions) -> None:
    stage.client.stored_offsets = {AT: 5}
    stage.client.beginnings = {OTHER: 3}
    committed = await positions.start(stage.client, [AT, OTHER], EARLIEST)
    assert committed == {AT: 5, OTHER: None}
    assert stage.client.seeks == [(AT, 5), (OTHER, 3)]
    assert stage.client.commits == []


async def test_a_new_group_that_wants_the_latest_commits_the_ends_once_and_for_all_partitions(
    stage: Stage, positions: Positions
) -> None:
    stage.client.ends = {AT: 40, OTHER: 50}
    committed = await positions.start(stage.client, [AT], LATEST)
    assert committed == {AT: 40}
    assert stage.client.commits == [{AT: 40, OTHER: 50}]
    assert stage.client.seeks == [(AT, 40)]


async def test_a_partition_without_a_commit_in_a_group_that_has_some_is_read_from_its_beginning(
    stage: Stage, positions: Positions
) -> None:
    stage.client.stored_offsets = {AT: 5}
    stage.client.ends = {OTHER: 50}
    stage.client.beginnings = {OTHER: 2}
    await positions.start(stage.client, [OTHER], LATEST)
    assert stage.client.seeks == [(OTHER, 2)]
    assert stage.client.commits == []


@pytest.mark.parametrize(
    ("old", "beginning", "end", "new", "lost"),
    [(10, 1000, 2000, 1000, 990), (500, 0, 100, 100, 400), (50, 0, 100, 50, None), (None, 7, 100, 7, None)],
    ids=["trimmed", "truncated", "still there", "never had one"],
)
async def test_a_position_that_has_gone_is_replaced_and_the_gap_is_told(
    stage: Stage, positions: Positions, old: int | None, beginning: int, end: int, new: int, lost: int | None
) -> None:
    stage.client.beginnings, stage.client.ends = {AT: beginning}, {AT: end}
    assert await positions.recover(stage.client, PositionLost({AT: old}), AT) == new
    assert stage.client.seeks == [(AT, new)]
    told = [(event.old, event.new, event.lost) for event in stage.heard.of(PositionReset)]
    assert told == ([] if lost is None else [(old, new, lost)])


@pytest.mark.parametrize(
    ("met", "now", "new"),
    [(b"1", b"2", None), (b"1", b"1", 5), (b"1", None, 5), (None, None, 5)],
    ids=["made anew", "truncated", "not told of now", "no ids"],
)
async def test_beyond_the_end_a_topic_is_told_from_another_one_of_its_name(
    stage: Stage, positions: Positions, met: bytes | None, now: bytes | None, new: int | None
) -> None:
    stage.kafka.topic_ids = {} if met is None else {"t": met}
    stage.topics.made_anew(stage.kafka, ["t"])
    stage.kafka.topic_ids = {} if now is None else {"t": now}
    stage.client.ends = {AT: 5}
    assert await positions.recover(stage.client, PositionLost({AT: 500}), AT) == new
    assert stage.client.seeks == ([] if new is None else [(AT, new)])


async def test_a_topic_that_is_new_in_a_group_that_has_commits_is_read_from_its_beginning(
    stage: Stage, positions: Positions
) -> None:
    stage.kafka.topic_partitions["other"] = 1
    stage.client.stored_offsets = {TopicPartition("other", 0): 1}
    stage.client.ends = {AT: 40}
    committed = await positions.start(stage.client, [AT], {**LATEST, "other": "earliest"})
    assert committed == {AT: None}
    assert stage.client.seeks == [(AT, 0)]
