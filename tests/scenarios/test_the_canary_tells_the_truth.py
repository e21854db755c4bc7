"""A canary sends through the service while its broker hangs: what it reports is what is in the topic."""

from __future__ import annotations

import asyncio
import json
from collections import Counter

from app.kafka.embedded.apache import ApacheCluster
from tests.cli.commands import demijohn
from tests.scenarios.witness import stored_in
from tests.service_process import ServiceProcess, service
from tests.waiting import until


async def delivered(process: ServiceProcess) -> int:
    return int((await process.client.get("/dashboard")).json()["produce"]["delivered"])


async def assert_well(servers: str, url: str, mode: str) -> None:
    """Nothing hurts the service, which has not heard of the topic before: all is delivered and seen."""
    options = ("--url", url, "--topic", f"canary-{mode}", "--mode", mode, "--duration", "1", "--batch", "5", "--json")
    done = await demijohn("verify", *options, servers=servers)
    found = json.loads(done.out)
    assert done.code == 0, done
    assert found["sent"] == found["delivered"] == found["seen"] > 0, found


async def test_what_it_reports_is_what_is_there(own_kafka: ApacheCluster) -> None:
    servers = own_kafka.bootstrap_servers
    async with service(servers, "--no-consumers") as patient:
        await patient.until_ready()
        await asyncio.gather(*(assert_well(servers, patient.url, mode) for mode in ("async", "batch")))
    async with service(servers, "--no-consumers", http_timeout_s=1) as process:
        await process.until_ready()
        before = await delivered(process)
        options = ("--url", process.url, "--topic", "canary", "--rate", "60", "--duration", "6", "--json")
        verifying = asyncio.create_task(demijohn("verify", *options, servers=servers))

        async def some_are_delivered() -> bool:
            return await delivered(process) > before + 20

        await until(some_are_delivered, "it sends", 30)
        own_kafka.pause_node(0)

        async def some_are_unknown() -> bool:
            return 'status="504"' in (await process.client.get("/metrics")).text

        await until(some_are_unknown, "calls have waited for too long", 30)
        own_kafka.resume_node(0)
        done = await verifying
    found = json.loads(done.out)
    stored = Counter(record.value for record in await stored_in(servers, "canary"))
    assert done.code == 0, done
    assert found["well"], found
    assert found["unknown"] > 0, found
    assert found["sent"] == found["delivered"] + found["failed"] + found["unknown"], found
    assert found["seen"] == len(stored) == found["delivered"] + found["unknown_stored"], (found, len(stored))
    assert set(stored.values()) == {1}
