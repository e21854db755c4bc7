"""One soak: load, instances, brokers, trouble for so long, and then the verdict on the whole history."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from app.kafka.embedded.apache import ApacheCluster, node_options
from app.kafka.embedded.jars import DEFAULT_DIRECTORY, resolve_jars
from tests.history import Report
from tests.scenarios.observed import Observed
from tests.scenarios.stage import Stage
from tests.scenarios.verdicts import Load, assert_verdicts_are_true
from tests.scenarios.witness import stored_in
from tests.soak.brokers import Brokers
from tests.soak.instances import Instances, Say
from tests.waiting import until

PARTITIONS = 6
CALLERS = 12
LONG_S = 60.0
LEAST_PACE = 0.2
"""A shorter soak has shorter troubles."""
KAFKAS_OWN_PATIENCE_MS, SHORT_PATIENCE_MS = 9000, 2000
"""How long a silent broker counts as alive: Kafka's default where the soak has the time for it."""
START_TIMEOUT_S, END_TIMEOUT_S, STOP_TIMEOUT_S = 60.0, 120.0, 60.0
BROKERS_STOP_S = 1.0
"""Nobody needs their data any more: what takes longer is killed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a soak came to."""

    seed: int
    seconds: float
    faults: Counter[str]
    verdicts: Counter[str]
    complaints: list[str]
    report: Report

    @property
    def passed(self) -> bool:
        return not self.report.faults and not self.complaints

    def table(self) -> str:
        """All figures as a table in Markdown."""
        redelivered = {f"redelivered ({why})": count for why, count in sorted(self.report.explained.items())}
        rows: dict[str, object] = {
            "seed": self.seed,
            "seconds of trouble": f"{self.seconds:g}",
            **dict(sorted(self.faults.items())),
            "records stored": self.report.records,
            "verdicts unknown, failed": f"{self.verdicts['unknown']}, {self.verdicts['failed']}",
            "deliveries to consumers": self.report.given,
            **redelivered,
            "longest silence of all partitions": f"{self.report.longest_silence_s:.1f} s",
            "lost": len(self.report.lost),
            "duplicated without a reason": len(self.report.duplicated) + len(self.report.ignored),
            "first deliveries out of order": len(self.report.reordered),
            "offsets moved back": len(self.report.moved_back),
            "committed too early": len(self.report.too_early),
            "never produced": len(self.report.unseen),
        }
        return "\n".join(["| what | figure |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())])


async def soak(seconds: float, seed: int, directory: Path, say: Say) -> Outcome:
    """Trouble for `seconds`, drawn from `seed`. Everything that was started has ended when it returns or raises."""
    resolve_jars()
    patience_ms = KAFKAS_OWN_PATIENCE_MS if seconds >= LONG_S else SHORT_PATIENCE_MS
    options = node_options(DEFAULT_DIRECTORY, heap_mib=256)
    cluster = ApacheCluster(directory / "kafka", 3, options=options, session_timeout_ms=patience_ms)
    try:
        async with asyncio.timeout(START_TIMEOUT_S + seconds + END_TIMEOUT_S + STOP_TIMEOUT_S):
            await cluster.start(START_TIMEOUT_S)
            stage = Stage(cluster.bootstrap_servers)
            await stage.start()
            try:
                return await _on_stage(stage, cluster, seconds, seed, directory, say)
            finally:
                await stage.close()
    finally:
        await cluster.stop(BROKERS_STOP_S)


async def _on_stage(
    stage: Stage, cluster: ApacheCluster, seconds: float, seed: int, directory: Path, say: Say
) -> Outcome:
    topic = await stage.topic(PARTITIONS, prefix="soak")
    observed, load = Observed(f"g-{topic}"), Load(stage.producer, topic)
    instances = Instances(stage.servers, topic, observed, directory, say)
    brokers = Brokers(cluster, observed, say)
    draws = random.Random(seed)
    async with instances.running():
        async with load.running(sync_callers=CALLERS, async_callers=0):
            await until(lambda: len(observed.given()) > 100, "the instances at work", START_TIMEOUT_S)
            deadline, pace = time.monotonic() + seconds, min(1.0, max(LEAST_PACE, seconds / LONG_S))
            async with asyncio.TaskGroup() as hurting:
                for victims in (instances, brokers):
                    hurting.create_task(victims.hurt(random.Random(draws.random()), deadline, pace))
        say("no more trouble")
        observed.loaded(load)
        await _until_given(observed, await _stored(observed, topic, stage.servers))
    await assert_verdicts_are_true(stage, topic, load)
    report = await observed.check(stage.servers)
    verdicts = Counter(verdict.status for verdict in load.verdicts)
    return Outcome(seed, seconds, instances.faults + brokers.faults, verdicts, instances.complaints, report)


async def _stored(observed: Observed, topic: str, servers: str) -> set[str]:
    """The ids of all that the topic holds: it has to be given too where the producer could not tell."""
    stored = await stored_in(servers, topic, END_TIMEOUT_S)
    for record in stored:
        observed.history.acknowledged(topic, record.partition, record.offset, (record.value or b"").decode())
    return {(record.value or b"").decode() for record in stored}


async def _until_given(observed: Observed, wanted: set[str]) -> None:
    deadline = time.monotonic() + END_TIMEOUT_S
    while missing := wanted - await asyncio.to_thread(observed.given):
        assert time.monotonic() < deadline, f"{len(missing)} messages were given to nobody, as {min(missing)}"
        await asyncio.sleep(1)
