"""A job that runs when its partition is taken away counts where it ends within the drain, and else marks nothing."""

from __future__ import annotations

import asyncio

from app.consumer import Consumer
from app.events import PartitionsAssigned
from app.routes import Routes
from tests.history_journal import Work, no_work
from tests.scenarios.conftest import MakeStage
from tests.scenarios.observed import Observed
from tests.scenarios.stage import Draw, Stage
from tests.waiting import until


class Slow:
    """A job that waits to be let go."""

    def __init__(self) -> None:
        self.at_work: list[Consumer] = []
        self.let_go = asyncio.Event()

    async def __call__(self, consumer: Consumer) -> None:
        self.at_work.append(consumer)
        await self.let_go.wait()


def drawing(observed: Observed, instance: str, topic: str, work: Work) -> Draw:
    def draw(routes: Routes) -> None:
        with routes.group(observed.group) as group:
            group.topic(topic, observed.consumer(instance, work))

    return draw


async def send(stage: Stage, observed: Observed, topic: str, *payloads: str) -> None:
    for partition in (0, 1):
        messages = [{"topic": topic, "payload": f"{one}{partition}", "partition": partition} for one in payloads]
        ids = [str(message["payload"]) for message in messages]
        observed.produced(await stage.producer.produce_many_sync(messages), ids)


async def test_a_job_that_ends_within_the_drain_is_committed_and_given_to_nobody_else(
    kafka: str, make_stage: MakeStage
) -> None:
    first, second = await make_stage(kafka), await make_stage(kafka)
    topic = await first.topic(partitions=2)
    await second.cluster.refresh(timeout_s=5)
    observed, slow = Observed(f"g-{topic}"), Slow()
    await send(first, observed, topic, "a", "b")
    async with first.running(drawing(observed, "slow", topic, slow)):
        await until(lambda: len(slow.at_work) == 2, "a job of each partition")
        async with second.running(drawing(observed, "other", topic, slow)) as joining:
            await until(lambda: all(job.is_revoked for job in slow.at_work), "the partitions being taken away")
            slow.let_go.set()
            await until(lambda: not joining.ready_reasons(), "the second member")
            await send(first, observed, topic, "c")
            await observed.until_given(["a0", "b0", "c0", "a1", "b1", "c1"])
    report = await observed.check(kafka)
    assert not report.faults, report
    assert report.given == report.records


async def test_a_job_that_outlives_the_drain_marks_nothing_and_is_done_again(kafka: str, make_stage: MakeStage) -> None:
    first, second = await make_stage(kafka, consumer_drain_ms=500), await make_stage(kafka)
    topic = await first.topic(partitions=2)
    await second.cluster.refresh(timeout_s=5)
    observed, slow = Observed(f"g-{topic}"), Slow()
    await send(first, observed, topic, "a")
    first.remember(PartitionsAssigned)
    async with first.running(drawing(observed, "slow", topic, slow)):
        await until(lambda: len(slow.at_work) == 2, "a job of each partition")
        async with second.running(drawing(observed, "other", topic, no_work)):
            await until(lambda: len(observed.given("other")) == 1, "one of the two done by the other member")
            await until(lambda: len(first.happened(PartitionsAssigned)) == 2, "the other one back where it still runs")
            slow.let_go.set()
            await send(first, observed, topic, "b")
            await observed.until_given(["a0", "b0", "a1", "b1"])
    report = await observed.check(kafka)
    assert not report.faults, report
    assert report.explained == {"outlived": 2}, "each of the two was given again"
