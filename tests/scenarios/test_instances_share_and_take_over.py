"""Two instances share a topic's partitions, a third idles and is ready, and takes over when one goes."""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import partial

from app.routes import Routes
from tests.scenarios.conftest import MakeStage
from tests.scenarios.stage import Draw, Seen, Stage, recording
from tests.waiting import until


def drawing(topic: str, seen: Seen) -> Draw:
    def draw(routes: Routes) -> None:
        with routes.group(f"g-{topic}") as group:
            group.topic(topic, recording(seen))

    return draw


async def test_a_third_instance_takes_over_from_one_that_leaves(kafka: str, make_stage: MakeStage) -> None:
    stages = [await make_stage(kafka) for _ in range(3)]
    topic = await stages[0].topic(partitions=2)
    await stages[1].cluster.refresh(timeout_s=5)
    await stages[2].cluster.refresh(timeout_s=5)
    seen = [Seen(), Seen(), Seen()]
    leaving, staying = AsyncExitStack(), AsyncExitStack()
    async with staying, leaving:
        await leaving.enter_async_context(stages[0].running(drawing(topic, seen[0])))
        await reaches(stages[0], topic, seen[:1], [{0, 1}])
        await staying.enter_async_context(stages[1].running(drawing(topic, seen[1])))
        await reaches(stages[0], topic, seen[:2], [{0}, {1}])
        third = await staying.enter_async_context(stages[2].running(drawing(topic, seen[2])))
        await until(lambda: not third.ready_reasons(), "the third member")
        await reaches(stages[0], topic, seen, [set(), {0}, {1}])
        assert not third.ready_reasons(), "a member without partitions is ready"
        await leaving.aclose()
        await reaches(stages[1], topic, seen[1:], [{0}, {1}])
    everything = {place[:2] for one in seen for place in one.all}
    ends = [max(offset for at, offset in everything if at == partition) for partition in (0, 1)]
    assert everything == {(partition, offset) for partition in (0, 1) for offset in range(ends[partition] + 1)}


async def reaches(stage: Stage, topic: str, seen: list[Seen], shares: list[set[int]]) -> None:
    """Waits until a message sent now to each partition is seen by different members, `shares` in any order."""

    async def shared() -> bool:
        before = [len(one) for one in seen]
        for partition in (0, 1):
            await stage.producer.produce_sync(topic=topic, payload=0, partition=partition)
        wanted = sum(before) + 2
        await until(partial(at_least, seen, wanted), "two more messages", 15)
        new = [{at for at, _, _ in one.all[start:]} for one, start in zip(seen, before, strict=True)]
        return sorted(map(sorted, new)) == sorted(map(sorted, shares))

    await until(shared, f"partitions shared as {shares}", 30)


def at_least(seen: list[Seen], messages: int) -> bool:
    return sum(map(len, seen)) >= messages
