"""An async message that fails is written to HTTP_ASYNC_DLQ_TOPIC, which the start creates; its receipt says why."""

from __future__ import annotations

import uuid

from tests.scenarios.stage import Stage
from tests.scenarios.witness import stored_in
from tests.service_process import service
from tests.waiting import until


async def test_what_fails_is_in_the_dlq_and_what_is_delivered_is_not(kafka: str, stage: Stage) -> None:
    topic = await stage.topic(1)
    dlq = f"failed-{uuid.uuid4().hex[:10]}"
    async with service(kafka, "--no-consumers", http_async_dlq_topic=dlq, kafka_create_topics="true") as process:
        await process.until_ready()
        well = await process.produce(topic, "delivered", mode="async")
        failed = await process.produce(topic, "failed", mode="async", partition=7, key="k")
        receipts = [
            (await process.client.get(answer.headers["location"], headers={"prefer": "wait=20"})).json()
            for answer in (well, failed)
        ]
        assert [receipt["status"] for receipt in receipts] == ["delivered", "failed"]
        assert receipts[1]["code"] == "unknown_partition"

        async def written() -> bool:
            return bool(await stored_in(kafka, dlq))

        await until(written, "the dead letter is written", 20)
        (letter,) = await stored_in(kafka, dlq)
        assert (letter.key, letter.value) == (b"k", b'"failed"')
        assert (await process.produce(dlq, 1)).status_code == 403
