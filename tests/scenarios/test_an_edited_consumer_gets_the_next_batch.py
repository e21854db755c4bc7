"""With CONSUMER_PERSISTENCE=false an edit of a consumer's file counts from the next batch on, without a restart; a
broken edit fails its batch, which is run again until the file is mended."""

from __future__ import annotations

import uuid
from pathlib import Path

from app.kafka.cluster import Cluster
from tests.service_process import service
from tests.waiting import until

CONSUMER = """
from app.consumer import Consumer

class Edited(Consumer):
    async def consume(self) -> None:
        for message in self.messages:
            print("{word}", message.payload, flush=True)
"""
TABLE = """
from edited_consumers import Edited

def draw(routes):
    with routes.group("g-{topic}") as group:
        group.topic("{topic}", Edited)
"""


async def test_an_edit_counts_from_the_next_batch_on(kafka: str, cluster: Cluster, tmp_path: Path) -> None:
    topic = f"t-{uuid.uuid4().hex[:10]}"
    await cluster.create_topic(topic, 1, timeout_s=10)
    consumer = tmp_path / "edited_consumers.py"
    consumer.write_text(CONSUMER.format(word="before"))
    (tmp_path / "edited_table.py").write_text(TABLE.format(topic=topic))
    async with service(kafka, cwd=tmp_path, draw="edited_table:draw", consumer_persistence="false") as running:
        await running.until_ready()
        await running.produce(topic, 1)
        await running.until_logged("before 1")
        consumer.write_text("class Edited(")
        await running.produce(topic, 2)
        await running.until_logged("SyntaxError")
        consumer.write_text(CONSUMER.format(word="behind"))
        await until(lambda: "behind 2" in running.log, "the mended file got the batch")
