"""Three instances are restarted one after the other under load, as a roll-out does it: no call is lost, no message is
consumed twice or out of order, no partition moves, and a receipt says who holds it."""

from __future__ import annotations

import asyncio
import itertools
import signal
from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path

import httpx

from tests.scenarios.observed import Observed
from tests.scenarios.stage import Stage
from tests.service_process import ServiceProcess, free_port, service
from tests.waiting import until

PODS, PARTITIONS = 3, 6
DRAW = "tests.scenarios.tables:journal"
AGAIN_S = 0.02


class Pods:
    """A service of three instances, each with a name and an address that survive its restart."""

    def __init__(self, stage: Stage, topic: str, observed: Observed, directory: Path) -> None:
        self.topic = topic
        self.running: list[ServiceProcess] = []
        self._stage = stage
        self._observed = observed
        self._directory = directory
        self._ports = [free_port() for _ in range(PODS)]
        self._lives = itertools.count()

    async def start(self, number: int, stack: AsyncExitStack) -> ServiceProcess:
        """Another life of an instance, ready for calls."""
        life = f"pod-{number}-{next(self._lives)}"
        process = await stack.enter_async_context(
            service(
                self._stage.servers,
                draw=DRAW,
                environment={"TOPIC": self.topic, "JOURNAL": str(self._observed.journal(life, self._directory / life))},
                http_port=self._ports[number],
                consumer_instance_id=f"pod-{number}",
                consumer_session_timeout_ms=45_000,
                consumer_rebalance_timeout_ms=60_000,
            )
        )
        await process.until_ready()
        self.running[number : number + 1] = [process]
        return process

    def share(self, number: int) -> str:
        """What an instance was assigned last."""
        told = [line for line in self.running[number].log if " rebalance: " in line]
        return told[-1].partition(" rebalance: ")[2] if told else ""

    def rebalances(self, numbers: Iterable[int]) -> int:
        return sum(" rebalance: " in line for number in numbers for line in self.running[number].log)


class Callers:
    """Send numbers, one after the other, to whichever instance takes them: what is refused is certainly not stored."""

    def __init__(self, pods: Pods, observed: Observed) -> None:
        self.sent = 0
        self._pods = pods
        self._observed = observed
        self._numbers = itertools.count()
        self._ended = asyncio.Event()

    async def call(self) -> None:
        """Until `end`. Fails at an answer that is neither success nor a refusal to be sent elsewhere."""
        while not self._ended.is_set():
            await self._deliver(next(self._numbers))

    async def _deliver(self, number: int) -> None:
        for process in itertools.cycle(list(self._pods.running)):
            try:
                answer = await process.produce(self._pods.topic, number, partition=number % PARTITIONS)
            except httpx.ConnectError:
                await asyncio.sleep(AGAIN_S)
                continue
            if answer.status_code == 503:
                assert answer.json()["code"] in ("draining", "broker_unavailable"), answer.text
                await asyncio.sleep(AGAIN_S)
                continue
            assert answer.status_code == 200, answer.text
            report = answer.json()
            self._observed.history.acknowledged(report["topic"], report["partition"], report["offset"], str(number))
            self.sent = max(self.sent, number + 1)
            return

    def end(self) -> None:
        self._ended.set()


async def test_nothing_is_lost_or_done_twice_and_no_partition_moves(stage: Stage, tmp_path: Path) -> None:
    topic = await stage.topic(PARTITIONS)
    observed = Observed(f"g-{topic}")
    pods = Pods(stage, topic, observed, tmp_path)
    async with AsyncExitStack() as stack:
        for number in range(PODS):
            await pods.start(number, stack)
        await until(
            lambda: all(pods.share(number).count(",") == 1 for number in range(PODS)), "each has two partitions"
        )
        callers = Callers(pods, observed)
        calling = [asyncio.create_task(callers.call()) for _ in range(4)]
        for number in range(PODS):
            before = callers.sent
            await until(lambda before=before: callers.sent > before + 50, "calls go on")  # type: ignore[misc]
            had, others = pods.share(number), [other for other in range(PODS) if other != number]
            heard = pods.rebalances(others)
            pods.running[number].send(signal.SIGTERM)
            assert await pods.running[number].ended(20) == 0, pods.running[number].text
            await pods.start(number, stack)
            await until(lambda number=number, had=had: pods.share(number) == had, "it has its partitions again")  # type: ignore[misc]
            assert pods.rebalances(others) == heard, "the others have heard of nothing"
        callers.end()
        await asyncio.gather(*calling)
        await observed.until_given(range(callers.sent))
        await a_receipt_names_its_holder(pods, observed)
        for process in pods.running:
            process.send(signal.SIGTERM)
        assert [await process.ended(20) for process in pods.running] == [0] * PODS
    report = await observed.check(stage.servers)
    assert not report.faults, report
    assert not report.explained, "nothing was given twice"


async def a_receipt_names_its_holder(pods: Pods, observed: Observed) -> None:
    holder, other = pods.running[:2]
    receipt = (await holder.produce(pods.topic, -1, mode="async", partition=0)).json()["receipt_id"]
    found = (await holder.client.get(f"/receipts/{receipt}", headers={"prefer": "wait=10"})).json()
    assert found["status"] == "delivered"
    observed.history.acknowledged(pods.topic, 0, found["offset"], "-1")
    await observed.until_given([-1])
    name = (await holder.client.get("/dashboard")).json()["service"]["instance"]
    asked = await other.client.get(f"/receipts/{receipt}")
    assert (asked.status_code, name in asked.json()["detail"]) == (404, True), asked.text
