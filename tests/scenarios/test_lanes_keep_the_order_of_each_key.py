"""With lanes by key one partition's records are worked on side by side, each key in order; what Kafka has committed
never goes past a lane that is not done, and a restart delivers what that lane had."""

from __future__ import annotations

import asyncio

from app.consumer import Consumer
from app.routes import Keyed, Routes
from tests.kafka_tools import describe_group
from tests.scenarios.stage import Seen, Stage, recording
from tests.waiting import until

KEYS = 4
RECORDS = 200


async def test_a_stuck_lane_holds_the_commit_and_no_other_lane(stage: Stage, seen: Seen) -> None:
    topic = await stage.topic()
    group_id = f"g-{topic}"
    stuck = asyncio.Event()

    class Laned(Consumer):
        async def consume(self) -> None:
            for message in self.messages:
                if message.key == "k1":
                    await stuck.wait()
                await asyncio.sleep(0)
                seen.all.append((message.partition, message.offset, message.key))

    def draw(routes: Routes) -> None:
        with routes.group(group_id) as group:
            group.topic(topic, Laned, keyed=Keyed(workers=KEYS), min_messages=RECORDS, max_messages=RECORDS)

    def draw_plain(routes: Routes) -> None:
        with routes.group(group_id) as group:
            group.topic(topic, recording(again))

    messages = [{"topic": topic, "payload": n, "key": f"k{n % KEYS}"} for n in range(RECORDS)]
    await stage.producer.produce_many_sync(messages)
    again = Seen()
    async with stage.running(draw) as runtime:
        others = RECORDS * (KEYS - 1) // KEYS
        await until(lambda: len(seen) == others, "the other lanes are done")
        for key in ("k0", "k2", "k3"):
            own = [offset for _, offset, found in seen.all if found == key]
            assert own == sorted(own)
        await until(lambda: _committed(stage, group_id, topic), "the first record is committed")
        stopping = asyncio.ensure_future(runtime.stop(asyncio.get_running_loop().time() + 3, reserve_s=2.5))
        report = await stopping
        assert report.cut_jobs
    lines = await describe_group(stage.servers, group_id, topic)
    assert lines[0].committed == 1
    async with stage.running(draw_plain):
        await until(lambda: len(again) >= RECORDS - 1, "the rest was delivered")
    assert again.offsets(0) == list(range(1, RECORDS))


async def _committed(stage: Stage, group_id: str, topic: str) -> bool:
    lines = await describe_group(stage.servers, group_id, topic)
    return bool(lines) and lines[0].committed == 1
