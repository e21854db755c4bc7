"""A service that lies is found out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any, cast

import orjson
import pytest

from app.exploring.cursors import Cursor
from app.exploring.explorer import Explorer, Wanted
from app.kafka.log_reader import StoredRecord
from app.verifying.canary import Canary, Course
from app.verifying.ledger import Ledger
from app.verifying.service_calls import Mode, Verdict

BEGIN = Cursor("t", "oldest", {0: 0, 1: 0})


class Log:
    """A topic in memory, and the service that writes it as `lie` has it."""

    def __init__(self, lie: str = "") -> None:
        self.lie = lie
        self.records: list[StoredRecord] = []
        self._count = 0
        self._held: list[dict[str, Any]] = []

    async def send(self, mode: Mode, messages: Sequence[dict[str, Any]]) -> list[Verdict]:
        await asyncio.sleep(0)
        return [self._take(message) for message in messages]

    def _take(self, message: dict[str, Any]) -> Verdict:
        self._count += 1
        lies = self._count == 5
        if self.lie == "drops" and lies:
            return Verdict("delivered", 10**6)
        if self.lie == "swaps" and message["partition"] == 0 and not self._held and self._count > 5:
            self._held.append(message)
            return Verdict("unknown")
        verdict = Verdict("delivered", self._store(message))
        if self.lie == "repeats" and lies:
            self._store(message)
        if self.lie == "swaps" and message["partition"] == 0 and len(self._held) == 1 and self._count > 5:
            self._store(self._held[0])
            self._held.append(message)
        if self.lie == "denies" and lies:
            return Verdict("failed")
        return verdict

    def _store(self, message: dict[str, Any]) -> int:
        partition = int(message["partition"])
        offset = sum(record.partition == partition for record in self.records)
        value = orjson.dumps(message["payload"])
        self.records.append(StoredRecord(partition, offset, 0, False, None, value, ()))
        return offset

    async def read(self, wanted: Wanted, *, follow: bool) -> AsyncGenerator[StoredRecord, None]:
        at = 0
        while True:
            for record in self.records[at:]:
                at += 1
                yield record
            await asyncio.sleep(0.001)


async def verified(log: Log, **course: Any) -> Ledger:
    given: dict[str, Any] = {"rate_per_s": 500, "duration_s": 0.2, "settle_s": 0.3} | course
    canary = Canary(Course("t", 2, **given), log, cast("Explorer", log))
    async with asyncio.timeout(10):
        await canary.run(BEGIN)
    return canary.ledger


@pytest.mark.parametrize("mode", ["sync", "async", "batch"])
async def test_an_honest_one_is_well(mode: Mode) -> None:
    ledger = await verified(Log(), mode=mode, batch=10)
    document = ledger.document()
    assert ledger.well
    assert document["sent"] == document["delivered"] == document["seen"] > 40


@pytest.mark.parametrize(
    ("lie", "kind"),
    [("drops", "lost"), ("repeats", "duplicated"), ("swaps", "reordered"), ("denies", "unexpected")],
)
async def test_a_lie_is_found_out(lie: str, kind: str) -> None:
    document = (await verified(Log(lie))).document()
    faults = {name: document[name] for name in ("lost", "duplicated", "reordered", "unexpected") if document[name]}
    assert faults == {kind: 1}
    assert not document["well"]


async def test_what_others_wrote_is_not_counted() -> None:
    log = Log()
    log.records.append(StoredRecord(0, 0, 0, False, None, b"not of the canary", ()))
    ledger = await verified(log)
    assert (ledger.foreign, ledger.well) == (1, True)


async def test_a_stop_ends_the_sending_soon() -> None:
    log = Log()
    canary = Canary(Course("t", 2, rate_per_s=1, duration_s=600), log, cast("Explorer", log))
    running = asyncio.ensure_future(canary.run(BEGIN))
    await asyncio.sleep(0)
    canary.stop()
    await asyncio.wait_for(running, 5)
