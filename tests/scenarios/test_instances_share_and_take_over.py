"""Two instances share a topic's partitions, a third idles and is ready, and takes over when one goes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import AsyncExitStack

from app.routes import Routes
from tests.scenarios.conftest import MakeStage
from tests.scenarios.observed import Observed
from tests.scenarios.stage import Draw, Stage
from tests.waiting import until


def drawing(topic: str, observed: Observed, instance: str) -> Draw:
    def draw(routes: Routes) -> None:
        with routes.group(f"g-{topic}") as group:
            group.topic(topic, observed.consumer(instance))

    return draw


async def test_a_third_instance_takes_over_from_one_that_leaves(kafka: str, make_stage: MakeStage) -> None:
    stages = [await make_stage(kafka) for _ in range(3)]
    topic = await stages[0].topic(partitions=2)
    await stages[1].cluster.refresh(timeout_s=5)
    await stages[2].cluster.refresh(timeout_s=5)
    observed, numbers = Observed(f"g-{topic}"), itertools.count()
    leaving, staying = AsyncExitStack(), AsyncExitStack()
    async with staying, leaving:
        await leaving.enter_async_context(stages[0].running(drawing(topic, observed, "a")))
        await reaches(stages[0], topic, observed, numbers, {"a": {0, 1}})
        await staying.enter_async_context(stages[1].running(drawing(topic, observed, "b")))
        await reaches(stages[0], topic, observed, numbers, {"a": {0}, "b": {1}})
        third = await staying.enter_async_context(stages[2].running(drawing(topic, observed, "c")))
        await until(lambda: not third.ready_reasons(), "the third member")
        await reaches(stages[0], topic, observed, numbers, {"a": {0}, "b": {1}, "c": set()})
        assert not third.ready_reasons(), "a member without partitions is ready"
        await leaving.aclose()
        await reaches(stages[1], topic, observed, numbers, {"b": {0}, "c": {1}})
    report = await observed.check(kafka)
    assert not report.faults, report
    assert report.given == report.records, "what was finished is given to nobody again"


async def reaches(
    stage: Stage, topic: str, observed: Observed, numbers: Iterator[int], shares: dict[str, set[int]]
) -> None:
    """Waits until a message sent now to each partition is given to different members, `shares` in any order."""

    async def shared() -> bool:
        sent = {}
        for partition in (0, 1):
            payload = next(numbers)
            sent[str(payload)] = partition
            observed.produced(
                [await stage.producer.produce_sync(topic=topic, payload=payload, partition=partition)], [payload]
            )
        await observed.until_given(sent, 15)
        found = [sorted(sent[one] for one in observed.given(instance) & sent.keys()) for instance in shares]
        return sorted(found) == sorted(map(sorted, shares.values()))

    await until(shared, f"partitions shared as {shares}", 30)
